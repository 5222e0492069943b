// An answer as a document.
import assert from "node:assert/strict";
import { test } from "node:test";

import { textFiles } from "../../../vlm_demo/ui/studio/actions/text_files.js";

const DOCTAGS = "<doctag><text><loc_52><loc_40><loc_210><loc_60>Words</text></doctag>";
const MARK = '<p><mark class="phrase" data-mention="0" tabindex="0">Words</mark> &amp; more</p>';

test("an answer is kept as Markdown, as a page without its buttons, and as DocTags where it has them", () => {
  const files = textFiles({ plain: "Words & more\n", raw: DOCTAGS, blocks: [MARK] });
  assert.deepEqual(files.map(({ ending }) => ending), ["md", "html", "doctags"]);
  assert.equal(files[0].text, "Words & more\n");
  assert.match(files[1].text, /charset="utf-8"[^]*<p>Words &amp; more<\/p>/);
  assert.equal(files[2].text, DOCTAGS);
});

test("an ordinary answer has no DocTags, and an empty one no files", () => {
  assert.deepEqual(textFiles({ plain: "A cat.", raw: "A cat.", blocks: ["<p>A cat.</p>"] }).map(({ ending }) => ending), ["md", "html"]);
  assert.deepEqual(textFiles({ plain: " ", raw: "", blocks: [] }), []);
});
