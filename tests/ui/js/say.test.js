import assert from "node:assert/strict";
import { test } from "node:test";

import { fill, say } from "../../../vlm_demo/ui/i18n/say.js";

test("without a translation the text is English, with its values", () => {
  assert.equal(say("{n} objects found", { n: 3 }), "3 objects found");
  assert.equal(say("{n} of {all}", { n: 0 }), "0 of {all}");
});

const JAPANESE = {
  "{task}: {name}": "{name}（{task}）", Chat: "チャット", "{first} {second}": "{first}{second}", "{n} objects found": "{n} 個検出しました",
};

test("a value that is a text itself is translated too, and a name is not", () => {
  assert.equal(fill("{task}: {name}", { task: { words: "Chat" }, name: "Chat" }, JAPANESE), "Chat（チャット）");
});

test("a text of the server brings its values, and texts in them", () => {
  const found = { words: "{n} objects found", values: { n: 3 } };
  assert.equal(fill(found, {}, JAPANESE), "3 個検出しました");
  assert.equal(fill({ words: "{first} {second}", values: { first: found, second: { words: "What is {this}?" } } }, {}, JAPANESE), "3 個検出しましたWhat is {this}?");
  assert.equal(say(found), "3 objects found");
});

test("a value is not read as a template", () => {
  assert.equal(say("{a}", { a: "{b}", b: "no" }), "{b}");
  assert.equal(say("{constructor}"), "{constructor}");
});
