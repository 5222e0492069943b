// The curve of a loss: few enough points, within the drawing, whatever the losses are.
import assert from "node:assert/strict";
import { test } from "node:test";
import { place, thin } from "../../../vlm_demo/ui/models/finetuning/curve.js";

test("many points are thinned to means, and the last step stays", () => {
  const points = Array.from({ length: 1000 }, (_, index) => [index + 1, index % 2 ? 1 : 3]);
  const few = thin(points, 100);
  assert.equal(few.length, 100);
  assert.deepEqual(few.at(-1), [1000, 2]);
  assert.deepEqual(thin(points.slice(0, 5), 100), points.slice(0, 5));
});

test("a curve begins at the left and its highest loss is at the top", () => {
  const { path, highest } = place([[0, 4], [50, 2], [100, 0]], 100);
  const [first, middle, last] = path.split(" ").map((point) => point.split(",").map(Number));
  assert.equal(highest, 4);
  assert.ok(first[0] < middle[0] && middle[0] < last[0]);
  assert.ok(first[1] < middle[1] && middle[1] < last[1]);
  assert.ok(place([[1, 0]], 0).path.split(/[ ,]/).every((one) => Number.isFinite(Number(one))));
});
