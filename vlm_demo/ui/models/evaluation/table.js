// The table of models by benchmarks.
import { h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { format, meanOf, percent } from "./scores.js";

/** @import { Benchmark, Cell, Figure, Row } from "./types.js" */

/**
 * @typedef {object} TableActions
 * @property {(by: string) => void} onSort
 * @property {(row: Row, benchmark: Benchmark) => void} onOpen
 * @property {(row: Row, chosen: boolean) => void} onCompare
 *
 * @typedef {object} TableState
 * @property {Row[]} rows
 * @property {Benchmark[]} benchmarks
 * @property {Benchmark[]} shared
 * @property {Figure[]} published
 * @property {string} by
 * @property {boolean} descending
 * @property {Set<string>} chosen keys of the rows in the chart
 */

/**
 * @param {TableState} state
 * @param {TableActions} actions
 * @returns {HTMLElement}
 */
export function scoreTable(state, actions) {
  const { benchmarks, rows } = state;
  return h("table", {},
    h("caption", { class: "sr-only" }, say("Scores of models on benchmarks, in percent of a perfect score")),
    h("thead", {}, h("tr", {},
      heading(state, actions, "model", say("Model"), ""),
      heading(state, actions, "mean", say("Mean"), say("of {count} shared", { count: state.shared.length })),
      ...benchmarks.map((one) => heading(state, actions, one.name, say(one.title), measureOf(one))))),
    h("tbody", {}, ...rows.map((row) => modelRow(row, state, actions)), ...publishedRows(state)));
}

/** @param {Benchmark} benchmark */
const measureOf = ({ measure, n }) => (n ? `${measure.replaceAll("_", " ")} · n ${n}` : measure.replaceAll("_", " "));

/**
 * @param {TableState} state
 * @param {TableActions} actions
 * @param {string} by
 * @param {string} title
 * @param {string} below
 */
function heading(state, actions, by, title, below) {
  const isSorted = state.by === by, rule = state.benchmarks.find(({ name }) => name === by)?.rule;
  return h("th", { scope: "col", class: by === "model" ? "model" : "figure", "aria-sort": isSorted ? (state.descending ? "descending" : "ascending") : null },
    h("button", { type: "button", class: "sort", "data-sort": by, title: rule ? say(rule) : null, onclick: () => actions.onSort(by) },
      title, h("span", { class: "arrow", "aria-hidden": "true" }, isSorted ? (state.descending ? "↓" : "↑") : "")),
    below && h("small", {}, below));
}

/**
 * @param {Row} row
 * @param {TableState} state
 * @param {TableActions} actions
 */
function modelRow(row, state, actions) {
  const facts = [row.family, row.size, row.licence, row.format === "original" ? "" : row.format].filter(Boolean).join(" · ");
  const mean = meanOf(row, state.shared);
  return h("tr", { "data-model": row.model, class: Object.values(row.cells).every(({ other }) => other) ? "other" : null },
    h("th", { scope: "row", class: "model" },
      h("label", {},
        h("input", { type: "checkbox", checked: state.chosen.has(row.key), title: say("Show in the chart"), "aria-label": say("Show {model} in the chart", { model: say(row.title) }),
          onchange: (/** @type {Event} */ event) => actions.onCompare(row, /** @type {HTMLInputElement} */ (event.target).checked) }),
        h("span", {}, h("b", {}, say(row.title)), h("small", {}, facts)))),
    h("td", { class: "figure mean" }, format(mean)),
    ...state.benchmarks.map((one) => scoreCell(row, one, actions)));
}

/**
 * @param {Row} row
 * @param {Benchmark} benchmark
 * @param {TableActions} actions
 */
function scoreCell(row, benchmark, actions) {
  const cell = row.cells[benchmark.name];
  if (!cell) return h("td", { class: "figure none" }, h("span", { "aria-label": say("not measured") }, "–"));
  const value = format(percent(cell.score, benchmark.full));
  const label = say("{benchmark}, {model}: {score}. Open the questions.", { benchmark: say(benchmark.title), model: say(row.title), score: value });
  return h("td", { class: ["figure", cell.other && "other"] },
    h("button", { type: "button", class: "score", "data-benchmark": benchmark.name, "aria-label": cell.other ? `${label} ${say(cell.other)}` : label, title: describe(cell, benchmark),
      onclick: () => actions.onOpen(row, benchmark) }, value),
    h("small", {}, interval(cell, benchmark)));
}

/**
 * @param {Cell} cell
 * @param {Benchmark} benchmark
 */
function interval(cell, { full, n }) {
  const span = cell.low === null || cell.high === null ? "" : `${format(percent(cell.low, full))}–${format(percent(cell.high, full))}`;
  return [span, cell.n === n && !cell.other ? "" : `n ${cell.n}`].filter(Boolean).join(" · ");
}

/**
 * @param {Cell} cell
 * @param {Benchmark} benchmark
 */
function describe(cell, { full }) {
  const lines = Object.entries(cell.measures).map(([name, value]) => `${name.replaceAll("_", " ")}: ${Math.abs(value) <= full ? format(percent(value, full)) : value}`);
  if (cell.low !== null && cell.high !== null) {
    lines.push(say("95 % interval: {low} to {high}", { low: format(percent(cell.low, full)), high: format(percent(cell.high, full)) }));
  }
  lines.push(say("{count} questions", { count: cell.n }));
  if (cell.failed) lines.push(say("{count} could not be asked, and count as wrong", { count: cell.failed }));
  if (cell.unscored) lines.push(say("{count} could not be scored", { count: cell.unscored }));
  lines.push([cell.date, cell.version && `vlm_demo ${cell.version}`, cell.processor].filter(Boolean).join(" · "));
  if (cell.other) lines.push(say(cell.other));
  return lines.join("\n");
}

/** @param {TableState} state */
function publishedRows({ published, benchmarks }) {
  const models = [...new Set(published.map(({ model }) => model))];
  return models.map((model) => h("tr", { class: "published", "data-model": model },
    h("th", { scope: "row", class: "model" }, h("b", {}, model), h("small", {}, say("published"))),
    h("td", { class: "figure mean" }, "–"),
    ...benchmarks.map(({ name, title }) => {
      const figure = published.find((one) => one.model === model && one.benchmark === name);
      if (!figure) return h("td", { class: "figure none" }, "–");
      const value = format(percent(figure.score, figure.full));
      return h("td", { class: "figure" }, figure.source.startsWith("https://")
        ? h("a", { href: figure.source, target: "_blank", rel: "noopener noreferrer", title: figure.source, "aria-label": say("{score}, published at {source}", { score: `${title}: ${value}`, source: figure.source }) }, value)
        : h("span", { title: figure.source }, value), h("small", {}, figure.rule));
    })));
}

