import assert from "node:assert/strict";
import { test } from "node:test";

import { commandOf, takesKeys } from "../../../../vlm_demo/ui/components/canvas/hot_keys.js";
import { RegionEditor } from "../../../../vlm_demo/ui/components/canvas/marking/region_editor.js";

const SIZE = [100, 100];
const MOUSE = 7;

function editor(most = 50) {
  const events = [];
  const made = new RegionEditor({ most, onDraw: () => {}, onEdit: (kind) => events.push(kind) });
  return Object.assign(made, { events });
}

/** Drags from one place to another, in fractions of a picture that is 100 pixels wide and high. */
function drag(made, from, to, grabbed = -1) {
  const pixel = ([x, y]) => [x * 100, y * 100];
  const takes = made.begin(from, pixel(from), SIZE, MOUSE, grabbed);
  made.move(to, pixel(to), SIZE);
  return made.end(to, pixel(to), SIZE) && takes;
}

const rounded = (region) => region.box.map((edge) => Math.round(edge * 100) / 100);

test("a drag marks a box, and one off the picture ends at its edge", () => {
  const made = editor();
  made.tool = "box";
  assert.ok(drag(made, [0.6, 0.7], [1.8, -0.5]));
  assert.deepEqual(rounded(made.regions[0]), [0.6, 0, 1, 0.7]);
  assert.deepEqual(made.events, ["added"]);
});

test("a drag that begins off the picture marks nothing", () => {
  const made = editor();
  made.tool = "box";
  assert.equal(made.begin([-0.1, 0.5], [-10, 50], SIZE, MOUSE), false);
});

test("a click marks a point, and no box", () => {
  const made = editor();
  made.tool = "point";
  drag(made, [0.2, 0.3], [0.2, 0.3]);
  made.tool = "box";
  drag(made, [0.6, 0.6], [0.61, 0.61]);
  assert.deepEqual(made.regions, [{ point: [0.2, 0.3] }]);
});

test("a scribble becomes a polygon with the corners that it needs", () => {
  const made = editor();
  made.tool = "scribble";
  made.begin([0.1, 0.1], [10, 10], SIZE, MOUSE);
  for (let step = 1; step <= 40; step += 1) made.move([0.1 + step / 50, 0.1], [10 + step * 2, 10], SIZE);
  made.move([0.5, 0.9], [50, 90], SIZE);
  made.end([0.1, 0.1], [10, 10], SIZE);
  assert.ok(made.regions[0].polygon.length >= 3 && made.regions[0].polygon.length < 10);
});

test("a drag without an area says so and marks nothing", () => {
  const made = editor();
  made.tool = "box";
  drag(made, [0.2, 0.5], [0.8, 0.5]);
  assert.deepEqual([made.regions, made.events], [[], ["empty"]]);
});

test("a region is moved by its line, resized by a handle, and what was done is undone step by step", () => {
  const made = editor();
  made.add({ box: [0.2, 0.2, 0.6, 0.6] });
  drag(made, [0.3, 0.2], [0.4, 0.3]);
  assert.deepEqual(rounded(made.regions[0]), [0.3, 0.3, 0.7, 0.7]);
  drag(made, [0.7, 0.7], [0.9, 0.8]);
  assert.deepEqual(rounded(made.regions[0]), [0.3, 0.3, 0.9, 0.8]);
  made.undo();
  assert.deepEqual(rounded(made.regions[0]), [0.3, 0.3, 0.7, 0.7]);
  made.undo();
  made.undo();
  assert.deepEqual(made.regions, []);
  made.redo();
  assert.deepEqual(rounded(made.regions[0]), [0.2, 0.2, 0.6, 0.6]);
});

test("a drag that is given up leaves the region where it was", () => {
  const made = editor();
  made.add({ box: [0.2, 0.2, 0.6, 0.6] });
  made.begin([0.3, 0.2], [30, 20], SIZE, MOUSE);
  made.move([0.9, 0.9], [90, 90], SIZE);
  made.cancel();
  assert.deepEqual(made.regions, [{ box: [0.2, 0.2, 0.6, 0.6] }]);
});

test("a region of the same name is chosen by its number under others", () => {
  const made = editor();
  made.add({ box: [0.1, 0.1, 0.9, 0.9] });
  made.add({ box: [0.1, 0.1, 0.9, 0.9] });
  drag(made, [0.5, 0.5], [0.55, 0.5], 0);
  assert.equal(made.selected, 0);
  assert.deepEqual(rounded(made.regions[0]), [0.15, 0.1, 0.95, 0.9]);
});

test("there is a largest number of regions", () => {
  const made = editor(2);
  assert.deepEqual([1, 2, 3].map(() => made.add({ point: [0.5, 0.5] })), [true, true, false]);
  assert.equal(made.regions.length, 2);
  assert.equal(made.events.at(-1), "full");
});

test("arrow keys move a region, with Shift they resize it", () => {
  const made = editor();
  made.add({ box: [0.2, 0.2, 0.6, 0.6] });
  made.nudge(0, [1, 0], false);
  made.nudge(0, [0, 1], true);
  assert.deepEqual(rounded(made.regions[0]), [0.21, 0.2, 0.61, 0.61]);
});

test("regions that the program sets can be undone, and the same ones change nothing", () => {
  const made = editor();
  made.add({ box: [0.2, 0.2, 0.6, 0.6] });
  made.replace([{ box: [0.2, 0.2, 0.6, 0.6] }]);
  assert.equal(made.selected, 0);
  made.replace([]);
  made.undo();
  assert.equal(made.regions.length, 1);
});

const key = (name, more = {}) => ({ key: name, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

test("keys choose tools, undo and delete", () => {
  assert.deepEqual(["b", "P", "s", "v", "Delete", "Escape"].map((name) => commandOf(key(name), false)),
    ["box", "point", "scribble", "none", "delete", "escape"]);
  assert.equal(commandOf(key("z", { ctrlKey: true }), false), "undo");
  assert.equal(commandOf(key("Z", { metaKey: true, shiftKey: true }), false), "redo");
});

test("keys of the page and of buttons count only on the picture itself", () => {
  assert.deepEqual(["Enter", "-", "0"].map((name) => commandOf(key(name), false)), [null, null, null]);
  assert.deepEqual(["Enter", "-", "0"].map((name) => commandOf(key(name), true)), ["add", "out", "fit"]);
  assert.deepEqual([commandOf(key("b", { ctrlKey: true }), true), commandOf(key("b", { altKey: true }), true)], [null, null]);
});

test("keys mean nothing while somebody types or composes", () => {
  assert.equal(commandOf(key("b", { isComposing: true }), true), null);
  assert.ok(takesKeys({ tagName: "TEXTAREA" }));
  assert.ok(takesKeys({ tagName: "DIV", isContentEditable: true }));
  assert.equal(takesKeys({ tagName: "BUTTON", closest: () => null }), false);
});
