import assert from "node:assert/strict";
import { test } from "node:test";

import {
  boundsOf, boxBetween, contains, distanceTo, fitRegion, handlesOf, moveRegion, resizeRegion, simplifyLine,
} from "../../../../vlm_demo/ui/components/canvas/geometry/regions.js";

const SIZE = /** @type {[number, number]} */ ([200, 100]);
const box = (...bounds) => ({ box: bounds });

const near = (actual, expected) => {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, index) => assert.ok(Math.abs(value - expected[index]) < 1e-9, `${actual} is not ${expected}`));
};

test("bounds of each kind of region", () => {
  assert.deepEqual(boundsOf(box(0.1, 0.2, 0.3, 0.4)), [0.1, 0.2, 0.3, 0.4]);
  assert.deepEqual(boundsOf({ point: [0.5, 0.6] }), [0.5, 0.6, 0.5, 0.6]);
  assert.deepEqual(boundsOf({ polygon: [[0.5, 0.1], [0.2, 0.9], [0.7, 0.3]] }), [0.2, 0.1, 0.7, 0.9]);
});

test("a region that is dragged off the picture stops at its edge with its size", () => {
  near(moveRegion(box(0.1, 0.2, 0.3, 0.6), -5, 5).box, [0, 0.6, 0.2, 1]);
  near(moveRegion({ point: [0.5, 0.5] }, 9, -9).point, [1, 0]);
});

test("a handle moves its own sides only, and never past the opposite ones", () => {
  const region = box(0.2, 0.2, 0.6, 0.6);
  near(resizeRegion(region, 0, [0.1, 0.3], [0.01, 0.01]).box, [0.1, 0.3, 0.6, 0.6]);
  near(resizeRegion(region, 3, [0.9, 0.9], [0.01, 0.01]).box, [0.2, 0.2, 0.9, 0.6]);
  near(resizeRegion(region, 0, [0.9, 0.9], [0.1, 0.1]).box, [0.5, 0.5, 0.6, 0.6]);
  near(resizeRegion(region, 4, [3, 3], [0.01, 0.01]).box, [0.2, 0.2, 1, 1]);
});

test("there are eight handles clockwise from the upper left corner, and none on a point", () => {
  assert.equal(handlesOf(box(0, 0, 1, 1)).length, 8);
  assert.deepEqual(handlesOf(box(0, 0, 1, 1))[2], [1, 0]);
  assert.deepEqual(handlesOf({ point: [0.5, 0.5] }), []);
});

test("a polygon is scaled into other bounds", () => {
  const { polygon } = fitRegion({ polygon: [[0, 0], [0.5, 0], [0.5, 0.5]] }, [0.5, 0.5, 1, 1]);
  assert.deepEqual(polygon, [[0.5, 0.5], [1, 0.5], [1, 1]]);
});

test("a box comes from two corners in any order", () => {
  assert.deepEqual(boxBetween([0.9, 0.1], [0.2, 0.8]).box, [0.2, 0.1, 0.9, 0.8]);
});

test("distances are in pixels of the picture as it is shown", () => {
  assert.equal(distanceTo({ point: [0.5, 0.5] }, [0.5, 0.6], SIZE), 10);
  assert.equal(distanceTo(box(0.1, 0.1, 0.9, 0.9), [0.15, 0.5], SIZE), 10);
});

test("a mask has holes and parts apart, in every measure", () => {
  const mask = { polygon: [[0, 0], [0.4, 0], [0.4, 0.4], [0, 0.4]], further_rings: [[[0.1, 0.1], [0.3, 0.1], [0.3, 0.3], [0.1, 0.3]], [[0.8, 0.8], [1, 0.8], [1, 1]]] };
  assert.deepEqual(boundsOf(mask), [0, 0, 1, 1]);
  assert.deepEqual([contains(mask, [0.05, 0.2]), contains(mask, [0.2, 0.2]), contains(mask, [0.95, 0.85])], [true, false, true]);
  assert.equal(Math.round(distanceTo(mask, [0.2, 0.2], [100, 100])), 10);
  const moved = moveRegion(mask, -1, 0);
  assert.deepEqual(moved.further_rings, mask.further_rings);
});

test("what is inside a polygon follows the even-odd rule", () => {
  const cornered = { polygon: [[0, 0], [1, 0], [1, 1], [0.5, 0.5], [0, 1]] };
  assert.equal(contains(cornered, [0.5, 0.25]), true);
  assert.equal(contains(cornered, [0.5, 0.9]), false);
  assert.equal(contains({ point: [0.5, 0.5] }, [0.5, 0.5]), false);
});

test("a straight line keeps its ends, a bend stays", () => {
  const line = Array.from({ length: 50 }, (_, index) => [index, index < 25 ? 0 : index - 24]);
  const fewer = simplifyLine(line, 0.5);
  assert.ok(fewer.length <= 4);
  assert.deepEqual(fewer.at(0), line.at(0));
  assert.deepEqual(fewer.at(-1), line.at(-1));
});
