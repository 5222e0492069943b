// The view of evaluations: filters, the table, a radar chart of chosen models, and the questions of a cell.
import { fill, h } from "../../components/dom.js";
import { message, say } from "../../i18n/say.js";
import { call } from "../../studio/api/call.js";
import { explain } from "../problems.js";
import { QuestionDialog } from "./questions.js";
import { MAX_MODELS, radarChart } from "./radar.js";
import { filterRows, radarAxes, sharedColumns, sortRows } from "./scores.js";
import { StartForm } from "./start_form.js";
import { scoreTable } from "./table.js";

/** @import { Benchmark, Board, Figure, Filters, Row } from "./types.js" */

const WEIGHTS = { open: message("Open weights"), closed: message("Closed weights"), server: message("On a server") };

/** @param {HTMLElement} root */
export function mount(root) {
  const app = new EvaluationApp(root);
  // The view may lie in a tab that is opened later, and again.
  new IntersectionObserver((entries) => entries.some(({ isIntersecting }) => isIntersecting) && app.load()).observe(root);
}

class EvaluationApp {
  /** @type {Board | null} */
  #board = null;

  /** @type {Filters} */
  #filters = { size: "", licence: "", family: "", weights: "", format: "" };

  #by = "mean";
  #descending = true;
  #axes = "";

  /** @type {Set<string>} */
  #chosen = new Set();

  #bar = h("div", { class: "filters" });
  #withPublished = h("input", { type: "checkbox", onchange: () => this.#draw() });
  #count = h("span", { class: "count", role: "status" });
  #table = h("div", { class: "scroller board", tabindex: "0", role: "region", "aria-label": say("Table of scores") });
  #chart = h("section", { class: "chart", hidden: true, "aria-label": say("Chart of chosen models") });
  #notes = h("div", { class: "notes" });
  #dialog = new QuestionDialog();
  #form = new StartForm(() => this.load());
  #opener = h("button", { type: "button", class: "primary", hidden: true, onclick: () => this.#toggleForm() }, say("New run"));

  /** @param {HTMLElement} root */
  constructor(root) {
    fill(root,
      h("div", { class: "top" }, this.#bar, h("label", { class: "tick" }, this.#withPublished, say("Published figures")), this.#count, this.#opener),
      this.#form.element, this.#table, this.#chart, this.#notes, this.#dialog.element);
  }

  async load() {
    try {
      this.#board = /** @type {Board} */ (await call("models_evaluations"));
    } catch (error) {
      fill(this.#notes, h("p", { class: "problem", role: "alert" }, explain(error)));
      return;
    }
    this.#opener.hidden = !this.#board.may_run;
    this.#form.show(this.#board);
    this.#drawFilters(this.#board);
    this.#draw();
  }

  #toggleForm() {
    this.#form.element.hidden = !this.#form.element.hidden;
    this.#opener.setAttribute("aria-expanded", String(!this.#form.element.hidden));
  }

  /** @param {Board} board */
  #drawFilters({ rows, sizes }) {
    /** @param {"family" | "format"} name @returns {[string, string][]} */
    const values = (name) => [...new Set(rows.map((row) => row[name]))].sort().map((one) => [one, say(one)]);
    const weights = Object.entries(WEIGHTS).map(([key, words]) => /** @type {[string, string]} */ ([key, say(words)]));
    fill(this.#bar,
      this.#filter("size", say("Any size"), Object.keys(sizes).map((words) => [words, say(words)])),
      this.#filter("licence", say("Any licence"), [["yes", say("Commercial use allowed")], ["conditions", say("… or on conditions")]]),
      this.#filter("family", say("Any family"), values("family")),
      this.#filter("weights", say("Any weights"), weights),
      this.#filter("format", say("Any quantisation"), values("format")));
  }

  /**
   * @param {keyof Filters} name
   * @param {string} everything
   * @param {[string, string][]} choices
   */
  #filter(name, everything, choices) {
    const select = h("select", { name, "aria-label": everything, onchange: () => {
      this.#filters[name] = select.value;
      this.#draw();
    } }, h("option", { value: "" }, everything), ...choices.map(([value, words]) => h("option", { value }, words)));
    select.value = this.#filters[name];
    return select;
  }

  #draw() {
    const board = this.#board;
    if (!board) return;
    const published = this.#withPublished.checked ? board.published : [];
    const rows = filterRows(board.rows, this.#filters, board.sizes);
    const shared = sharedColumns(rows, board.benchmarks), benchmarks = [...board.benchmarks, ...columnsOf(published, board.benchmarks)];
    const sorted = sortRows(rows, this.#by, this.#descending, benchmarks, shared);
    const focus = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.sort : undefined;
    this.#count.textContent = board.rows.length ? say("{found} of {all} models", { found: rows.length, all: board.rows.length }) : "";
    if (!rows.length && !published.length) fill(this.#table, nothing(board));
    else {
      fill(this.#table, scoreTable(
        { rows: sorted, benchmarks, shared, published, by: this.#by, descending: this.#descending, chosen: this.#chosen },
        { onSort: (by) => this.#sort(by), onOpen: (row, one) => this.#open(row, one), onCompare: (row, isChosen) => this.#compare(row, isChosen) }));
      if (focus) /** @type {HTMLElement | null} */ (this.#table.querySelector(`[data-sort="${CSS.escape(focus)}"]`))?.focus();
    }
    this.#drawChart(sorted.filter(({ key }) => this.#chosen.has(key)));
    this.#drawNotes(board);
  }

  /** @param {string} by */
  #sort(by) {
    this.#descending = this.#by === by ? !this.#descending : by !== "model";
    this.#by = by;
    this.#draw();
  }

  /**
   * @param {Row} row
   * @param {Benchmark} benchmark
   */
  #open(row, benchmark) {
    this.#dialog.show(row.cells[benchmark.name].run, `${say(row.title)} · ${say(benchmark.title)}`);
  }

  /**
   * @param {Row} row
   * @param {boolean} isChosen
   */
  #compare(row, isChosen) {
    if (!isChosen) this.#chosen.delete(row.key);
    else {
      this.#chosen.add(row.key);
      const [oldest] = this.#chosen;
      if (this.#chosen.size > MAX_MODELS) this.#chosen.delete(oldest);
    }
    const { model } = row;
    this.#draw();
    /** @type {HTMLElement | null} */ (this.#table.querySelector(`tr[data-model="${CSS.escape(model)}"] input`))?.focus();
  }

  /** @param {Row[]} rows */
  #drawChart(rows) {
    this.#chart.hidden = !rows.length;
    if (!rows.length) return;
    const sets = radarAxes(rows, this.#board?.benchmarks ?? []);
    const set = sets.find(({ name }) => name === this.#axes) ?? sets[0];
    if (!set) {
      fill(this.#chart, h("p", { class: "nothing" }, say("These models share fewer than three benchmarks, and no benchmark with three measures.")));
      return;
    }
    const select = h("select", { "aria-label": say("Axes of the chart"), onchange: () => {
      this.#axes = select.value;
      this.#draw();
    } }, ...sets.map(({ name, title }) => h("option", { value: name }, title ? say("Measures of {title}", { title: say(title) }) : say("Benchmarks"))));
    select.value = set.name;
    fill(this.#chart, sets.length > 1 && select, radarChart(rows.map(({ title }) => say(title)), set.axes));
  }

  /** @param {Board} board */
  #drawNotes({ unfinished, problems, rows }) {
    const words = unfinished.map(({ model, benchmark, answered, questions }) => say("Not finished: {model}, {benchmark}, {answered} of {questions} questions.",
      { model, benchmark, answered, questions: questions ?? "?" }));
    words.push(...problems.map((problem) => say("Cannot be read: {problem}", { problem })));
    if (rows.length) words.unshift(say("In percent of a perfect score; the small numbers are the 95 % bootstrap interval. The mean is over the benchmarks that all models shown have. Grey: other questions."));
    fill(this.#notes, ...words.map((one) => h("p", {}, one)));
  }
}

/**
 * @param {Figure[]} published
 * @param {Benchmark[]} own
 * @returns {Benchmark[]} benchmarks of which only others have figures
 */
function columnsOf(published, own) {
  const known = new Set(own.map(({ name }) => name)), more = new Map();
  for (const { benchmark, title, measure, full, rule, source } of published) {
    if (!known.has(benchmark)) more.set(benchmark, { name: benchmark, title: title || benchmark, measure, full, rule, source, n: 0, tasks: [] });
  }
  return [...more.values()];
}

/** @param {Board} board */
const nothing = ({ rows, may_run: mayRun }) => h("div", { class: "empty" }, ...(rows.length
  ? [h("p", {}, say("No model matches. Remove a filter."))]
  : [h("h3", {}, say("No evaluations yet")),
    h("p", {}, mayRun ? say("Press “New run” to ask a model about drawn scenes or your own questions, or run a published benchmark on data of yours:") : say("The operator of this page starts them with")),
    h("p", {}, h("code", {}, "vlm-demo evaluate --benchmark scenes --model embedded-llava15")),
    h("p", {}, h("code", {}, "vlm-demo evaluate --list"))]));
