// What the view of evaluations computes: filters, shared columns, means, order and the outline of a chart.
import assert from "node:assert/strict";
import { test } from "node:test";
import { outline } from "../../../vlm_demo/ui/models/evaluation/radar.js";
import { filterRows, format, meanOf, percent, radarAxes, sharedColumns, sortRows } from "../../../vlm_demo/ui/models/evaluation/scores.js";

const NONE = { size: "", licence: "", family: "", weights: "", format: "" };
const SIZES = { Small: [0, 1e9] };

const benchmark = (name, full = 1) => ({ name, title: name, measure: "accuracy", full, rule: "", source: "", n: 10, tasks: [] });
const cell = (score, other = null, measures = {}) => ({ run: "r", score, low: null, high: null, n: 10, other, measures: { accuracy: score, ...measures } });
const row = (model, cells, more = {}) => ({
  key: model, model, title: model, family: "llava", format: "original", parameters: 5e8, size: "", licence: "", commercial: "yes", weights: "open", usable: true, cells, ...more,
});

const BENCHMARKS = [benchmark("a"), benchmark("b", 100), benchmark("c")];
const ONE = row("one", { a: cell(0.5), b: cell(70), c: cell(0.9) });
const TWO = row("two", { a: cell(0.8), b: cell(20) }, { commercial: "no", parameters: null });
const OTHER = row("other", { a: cell(0.99, "other questions"), b: cell(60) });

test("scores are percents of what right answers score", () => {
  assert.equal(format(percent(0.5, 1)), "50.0");
  assert.equal(format(percent(41.1, 100)), "41.1");
  assert.equal(format(percent(null, 1)), "–");
});

test("a mean is over the columns that all shown rows have, without other data", () => {
  assert.deepEqual(sharedColumns([ONE, TWO], BENCHMARKS).map(({ name }) => name), ["a", "b"]);
  assert.equal(meanOf(ONE, sharedColumns([ONE, TWO], BENCHMARKS)), 60);
  assert.deepEqual(sharedColumns([ONE, OTHER], BENCHMARKS).map(({ name }) => name), ["b"]);
  assert.deepEqual(sharedColumns([], BENCHMARKS), []);
  assert.equal(meanOf(ONE, []), null);
});

test("filters leave out what is not known", () => {
  assert.deepEqual(filterRows([ONE, TWO], { ...NONE, size: "Small" }, SIZES), [ONE]);
  assert.deepEqual(filterRows([ONE, TWO], { ...NONE, licence: "conditions" }, SIZES), [ONE]);
  assert.deepEqual(filterRows([ONE, TWO], { ...NONE, weights: "closed" }, SIZES), []);
  assert.deepEqual(filterRows([ONE, TWO], NONE, SIZES), [ONE, TWO]);
});

test("rows without a value are last in both directions", () => {
  const names = (by, descending) => sortRows([OTHER, TWO, ONE], by, descending, BENCHMARKS, []).map(({ model }) => model);
  assert.deepEqual(names("a", true), ["two", "one", "other"]);
  assert.deepEqual(names("a", false), ["one", "two", "other"]);
  assert.deepEqual(names("model", false), ["one", "other", "two"]);
  assert.equal(names("size", true).at(-1), "two");
});

test("a chart shows three shared benchmarks, or three measures of one", () => {
  assert.deepEqual(radarAxes([ONE], BENCHMARKS)[0].axes.map(({ values }) => values), [[50], [70], [90]]);
  const measured = row("m", { a: cell(0.5, null, { x: 0.1, y: 0.2, z: 0.3, n_things: 12 }) });
  const [only, ...rest] = radarAxes([measured], BENCHMARKS);
  assert.deepEqual(only.axes.map(({ title }) => title), ["x", "y", "z"]);
  assert.deepEqual(rest, []);
  assert.deepEqual(radarAxes([ONE, TWO], BENCHMARKS), []);
});

test("the outline of a chart begins at the top and stays within the outer ring", () => {
  const points = outline([100, 0, 250]).split(" ").map((point) => point.split(",").map(Number));
  const full = outline([100, 100, 100]).split(" ").map((point) => point.split(",").map(Number));
  assert.deepEqual(points[0], full[0]);
  assert.deepEqual(points[2], full[2]);
  assert.ok(full[0][1] < points[1][1]);
});
