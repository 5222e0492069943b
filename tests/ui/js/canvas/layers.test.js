import assert from "node:assert/strict";
import { test } from "node:test";

import { formatScore, shortenPhrase } from "../../../../vlm_demo/ui/components/canvas/found/mention_words.js";
import { describeEdit, pixelBounds } from "../../../../vlm_demo/ui/components/canvas/marking/region_words.js";
import { troubleWith } from "../../../../vlm_demo/ui/components/canvas/marking/typed_bounds.js";
import { describeRequest } from "../../../../vlm_demo/ui/studio/gallery/example_button.js";
import { addedRegions } from "../../../../vlm_demo/ui/components/canvas/found/growth.js";
import { swatchStyle } from "../../../../vlm_demo/ui/studio/layers/swatch.js";

const PICTURE = { width: 200, height: 100 };

test("a swatch has the dashes of the lines on the picture", () => {
  assert.deepEqual(swatchStyle("#123456", []), { background: "#123456" });
  const { background } = swatchStyle("red", [4, 2]);
  assert.equal(background, "repeating-linear-gradient(90deg, red 0px 8px, transparent 8px 12px)");
});

test("a long phrase is one line of at most 40 characters", () => {
  assert.equal(shortenPhrase(" a\n b "), "a b");
  assert.equal(shortenPhrase("x".repeat(60)).length, 40);
});

test("a score is rounded, but never to nothing or to certainty", () => {
  assert.deepEqual([null, 0, 0.001, 0.5, 0.999, 1].map(formatScore), ["", "0 %", "<1 %", "50 %", ">99 %", "100 %"]);
});

test("regions are told in pixels of the original", () => {
  assert.deepEqual(pixelBounds({ box: [0.1, 0.1, 0.5, 1] }, PICTURE), [20, 10, 100, 100]);
  assert.equal(describeEdit("added", 1, [{ point: [0, 0] }, { point: [0.5, 0.5] }], PICTURE), "Region 2: point at 100, 50");
});

test("typed coordinates are refused with the reason", () => {
  assert.equal(troubleWith([0.1, 0.1, 0.2, 0.2], false, PICTURE), "");
  assert.match(troubleWith([0.1, 0.1, 0.1, 0.2], false, PICTURE), /no area/);
  assert.equal(troubleWith([0.1, 0.1, 0.1, 0.1], true, PICTURE), "");
  assert.match(troubleWith([0.1, 0.1, 1.2, 0.2], false, PICTURE), /outside the image, which has 200 × 100/);
  assert.match(troubleWith([NaN, 0.1, 0.2, 0.2], false, PICTURE), /number of pixels/);
});

test("an example says what it asks", () => {
  assert.equal(describeRequest({ task: "grounding", text: "horse, strawberry" }), "Find: horse, strawberry");
  assert.equal(describeRequest({ task: "chat", text: "What is this?" }), "What is this?");
  assert.equal(describeRequest({ task: "caption", text: "" }), "Describe this image");
});

test("of regions that grow, only those that have come are drawn", () => {
  const box = (x) => ({ box: [x, 0, x + 0.1, 0.2], confidence: null });
  assert.deepEqual(addedRegions([box(0)], [box(0), box(0.2), box(0.4)]), [box(0.2), box(0.4)]);
  assert.deepEqual(addedRegions([box(0)], [box(0)]), []);
  assert.equal(addedRegions([box(0), box(0.2)], [box(0)]), null);
  assert.equal(addedRegions([box(0)], [box(0.1), box(0.2)]), null);
});
