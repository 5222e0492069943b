import assert from "node:assert/strict";
import { test } from "node:test";

import { handleNear, ownerAt, regionNear } from "../../../../vlm_demo/ui/components/canvas/geometry/hit_test.js";
import { LabelPlacer, placeLabels } from "../../../../vlm_demo/ui/components/canvas/geometry/label_layout.js";
import { picturesAmong } from "../../../../vlm_demo/ui/components/canvas/picture_files.js";
import { UndoStack } from "../../../../vlm_demo/ui/components/canvas/marking/undo_stack.js";
import { Viewport, WHOLE } from "../../../../vlm_demo/ui/components/canvas/geometry/viewport.js";

const overlaps = (one, other) => one.x < other.x + other.width && other.x < one.x + one.width
  && one.y < other.y + other.height && other.y < one.y + one.height;

test("labels in words never cover each other and stay in the frame", () => {
  const items = Array.from({ length: 40 }, (_, index) => {
    const [x, y] = [(index % 8) * 40, Math.floor(index / 8) * 40];
    return { box: [x, y, x + 50, y + 50], sizes: [[60, 18], [16, 18], [8, 8]] };
  });
  const frame = [0, 0, 400, 240];
  const placed = placeLabels(items, frame)
    .map((spot, index) => ({ ...spot, width: items[index].sizes[spot.size][0], height: items[index].sizes[spot.size][1] }))
    .filter(({ size }) => size < 2);
  assert.ok(placed.length > 10);
  for (const [index, one] of placed.entries()) {
    assert.ok(one.x >= 0 && one.y >= 0 && one.x + one.width <= 400 && one.y + one.height <= 240);
    for (const other of placed.slice(index + 1)) assert.equal(overlaps(one, other), false);
  }
});

test("a label that comes later moves none that is there", () => {
  const items = Array.from({ length: 30 }, (_, index) => ({ box: [index, index, index + 90, index + 60], sizes: [[70, 18], [8, 8]] }));
  const placer = new LabelPlacer([0, 0, 300, 200]);
  assert.deepEqual(items.map((item) => placer.place(item)), placeLabels(items, [0, 0, 300, 200]));
});

test("a region outside of what is seen has no label", () => {
  assert.deepEqual(placeLabels([{ box: [500, 0, 600, 50], sizes: [[10, 10]] }], [0, 0, 400, 300]), [null]);
});

test("the smallest region under the pointer is meant", () => {
  const owned = [["table", [{ box: [0, 0, 1, 1] }]], ["cup", [{ box: [0.4, 0.4, 0.6, 0.6] }]]];
  assert.equal(ownerAt(owned, [0.5, 0.5], [100, 100]), "cup");
  assert.equal(ownerAt(owned, [0.2, 0.2], [100, 100]), "table");
  assert.equal(ownerAt(owned.slice(1), [0.1, 0.1], [100, 100]), null);
});

test("a line and a handle are caught within reach", () => {
  const region = { box: [0.2, 0.2, 0.8, 0.8] };
  assert.equal(regionNear([region], [0.5, 0.23], [100, 100], 7), 0);
  assert.equal(regionNear([region], [0.5, 0.5], [100, 100], 7), -1);
  assert.equal(regionNear([], [0.5, 0.5], [100, 100], 7), -1);
  assert.equal(handleNear(region, [0.79, 0.21], [100, 100], 7), 2);
});

test("undo goes back, redo goes forth, and a new change forgets what was undone", () => {
  const stack = new UndoStack(2);
  assert.equal(stack.undo("a"), "a");
  stack.push("a");
  stack.push("b");
  stack.push("c");
  assert.equal(stack.undo("d"), "c");
  assert.equal(stack.undo("c"), "b");
  assert.equal(stack.canUndo, false);
  assert.equal(stack.redo("b"), "c");
  stack.push("c");
  assert.equal(stack.canRedo, false);
});

test("the whole picture is centred on its stage", () => {
  const viewport = new Viewport([800, 400], [1000, 1000]);
  assert.deepEqual(viewport.frame(viewport.limit(WHOLE)), { left: 200, top: 0, width: 400, height: 400 });
});

test("the place that one zooms at stays where it is, and the original pixels can be seen", () => {
  const viewport = new Viewport([400, 400], [8000, 8000]);
  const view = viewport.zoom(viewport.limit(WHOLE), 4, [0.25, 0.75]);
  const { left, top, width, height } = viewport.frame(view);
  assert.ok(Math.abs((100 - left) / width - 0.25) < 1e-9);
  assert.ok(Math.abs((300 - top) / height - 0.75) < 1e-9);
  assert.equal(viewport.zoom(view, 1e6).scale, 40);
});

test("a picture that is moved far off stays on the stage", () => {
  const viewport = new Viewport([400, 400], [100, 100]);
  const { left } = viewport.frame(viewport.pan(viewport.zoom(WHOLE, 2), 99, 0));
  assert.equal(Math.abs(left), 0);
});

test("a part is brought to the middle and magnified", () => {
  const viewport = new Viewport([400, 400], [100, 100]);
  const view = viewport.show([0.5, 0.5, 0.6, 0.6]);
  const { left, width } = viewport.frame(view);
  assert.ok(view.scale > 3);
  assert.ok(Math.abs(left + 0.55 * width - 200) < 1e-6);
});

test("pictures are known by type, by name in any case, or by having neither", () => {
  const files = [
    { name: "IMG_1.HEIC", type: "" }, { name: "notes.txt", type: "text/plain" }, { name: "a.png", type: "image/png" },
    { name: "scan", type: "" }, { name: "page.TIF", type: "" }, { name: "list.csv", type: "" },
  ];
  assert.deepEqual(picturesAmong(files).map(({ name }) => name), ["IMG_1.HEIC", "a.png", "scan", "page.TIF"]);
  assert.deepEqual(picturesAmong(files.slice(1, 2)).map(({ name }) => name), ["notes.txt"]);
});
