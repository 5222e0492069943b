import assert from "node:assert/strict";
import { test } from "node:test";

import { fill, say } from "../../../vlm_demo/ui/i18n/say.js";

test("without a translation the text is English, with its values", () => {
  assert.equal(say("{n} objects found", { n: 3 }), "3 objects found");
  assert.equal(say("{n} of {all}", { n: 0 }), "0 of {all}");
});

test("a value that is one of our own texts is translated too", () => {
  assert.equal(fill("{task|say}: {name}", { task: "Chat", name: "Chat" }, { Chat: "チャット" }), "チャット: Chat");
});

test("a value is not read as a template", () => {
  assert.equal(say("{a}", { a: "{b}", b: "no" }), "{b}");
  assert.equal(say("{constructor}"), "{constructor}");
});
