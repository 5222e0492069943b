import assert from "node:assert/strict";
import { test } from "node:test";

import { diffBoxes, overlapOf } from "../../../vlm_demo/ui/studio/compare/box_diff.js";
import { mergeBoxes } from "../../../vlm_demo/ui/studio/compare/merged_boxes.js";
import { cutWords, diffWords } from "../../../vlm_demo/ui/studio/compare/word_diff.js";
import { answer, box } from "./studio_support.js";

const left = (parts) => parts.filter(({ side }) => side !== "right").map(({ text }) => text).join("");
const right = (parts) => parts.filter(({ side }) => side !== "left").map(({ text }) => text).join("");

test("words that differ are told apart", () => {
  assert.deepEqual(diffWords("a red cat sits", "a black cat sleeps"), [
    { text: "a ", side: "both" }, { text: "red ", side: "left" }, { text: "black ", side: "right" }, { text: "cat ", side: "both" },
    { text: "sits", side: "left" }, { text: "sleeps", side: "right" },
  ]);
  assert.deepEqual(diffWords("same words", "same words"), [{ text: "same words", side: "both" }]);
  assert.deepEqual(diffWords("", "new"), [{ text: "new", side: "right" }]);
  assert.deepEqual(diffWords("", ""), []);
  assert.deepEqual(cutWords("猫が dog"), ["猫", "が ", "dog"]);
});

test("both texts can be put together again from their difference", () => {
  let seed = 7;
  const random = (most) => { seed = (seed * 16807) % 2147483647; return seed % most; };
  for (let round = 0; round < 300; round += 1) {
    const text = () => Array.from({ length: random(12) }, () => "abcd"[random(4)]).join(" ");
    const one = text(), other = text(), parts = diffWords(one, other);
    assert.equal(left(parts).trim(), one, `${one} | ${other}`);
    assert.equal(right(parts).trim(), other, `${one} | ${other}`);
  }
});

test("texts that have nothing in common are not compared for ever", () => {
  const many = (letter) => Array.from({ length: 5000 }, (_, index) => `${letter}${index}`).join(" ");
  const started = performance.now(), parts = diffWords(many("a"), many("b"));
  assert.equal(parts.length, 2);
  assert.ok(performance.now() - started < 5000);
});

test("boxes of two answers are paired by their overlap", () => {
  const found = (...boxes) => answer("a", { mentions: boxes.map((one, index) => ({ phrase: `p${index}`, regions: [one] })) });
  const pairs = diffBoxes(found(box(0, 0, 0.5, 1), box(0.9, 0.9, 1, 1)), found(box(0, 0, 0.25, 1), box(0.5, 0, 0.6, 0.1)));
  assert.deepEqual(pairs.map(({ side, overlap }) => [side, overlap]), [["both", 0.5], ["left", null], ["right", null]]);
  assert.equal(overlapOf([0, 0, 0, 0], [0, 0, 0, 0]), 0);
});

test("boxes that two answers have become one layer, those of one alone do not", () => {
  const answers = [answer("a", { pictures: ["p"] }), answer("b"), answer("c")];
  const groups = [
    { phrase: "cat", seen_by: [0, 2], box: [0, 0, 0.5, 0.5], iou: 0.8 }, { phrase: "cat", seen_by: [1, 2], box: [0.5, 0, 1, 0.5], iou: 0.7 },
    { phrase: "dog", seen_by: [1], box: [0, 0.5, 1, 1], iou: null }, { phrase: "dog", seen_by: [1, 1], box: [0, 0.5, 1, 1], iou: 0.9 },
  ];
  const merged = mergeBoxes(answers, groups, "new", 7);
  assert.deepEqual(merged.mentions.map(({ phrase, regions }) => [phrase, regions.length]), [["cat", 2]]);
  assert.deepEqual([merged.status, merged.merged, merged.model, merged.pictures], ["done", true, "", ["p"]]);
  assert.equal(mergeBoxes(answers, groups.slice(2), "new", 7), null);
});
