import assert from "node:assert/strict";
import { test } from "node:test";

import { dropIndex, moveThing } from "../../../../vlm_demo/ui/studio/strip/order.js";

const OTHERS = [{ left: 0, width: 100 }, { left: 110, width: 100 }];

test("a thumbnail is put down before the first one whose middle lies beyond the pointer", () => {
  assert.deepEqual([-5, 40, 60, 150, 170, 900].map((x) => dropIndex(OTHERS, x)), [0, 0, 1, 1, 2, 2]);
  assert.equal(dropIndex([], 5), 0);
});

test("a thing is moved among the others, not beyond the ends", () => {
  assert.deepEqual(moveThing(["a", "b", "c"], 0, 1), ["b", "a", "c"]);
  assert.deepEqual(moveThing(["a", "b", "c"], 2, -4), ["c", "a", "b"]);
  assert.deepEqual(moveThing(["a", "b", "c"], 0, 9), ["b", "c", "a"]);
});
