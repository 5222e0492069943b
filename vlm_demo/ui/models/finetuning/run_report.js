// What is known of a run: what it is doing, its loss, its scores, and what can be done with it.
import { h } from "../../components/dom.js";
import { message, say } from "../../i18n/say.js";
import { lossCurve } from "./curve.js";

/** @import { Outcome, Run, ScorePair } from "./types.js" */

/** What a run is doing, by the words of its log (`Stage` in `training/finetuning/events.py`). @type {Record<string, string>} */
const STAGES = {
  "reading the data": message("Reading the data"), "searching for what the model knows": message("Searching for what the model knows"),
  "loading the model": message("Loading the model"),
  "scoring the model as it is": message("Scoring the model as it is"), "writing the rows": message("Preparing the examples"),
  training: message("Training"), saving: message("Saving"), "scoring the new model": message("Scoring the new model"), uploading: message("Uploading"),
};

/** How a run ended, and what there is then. @type {Record<Outcome, string>} */
const OUTCOMES = {
  finished: message("{name} is on the menu."),
  lost: message("{name} has lost old skills, so it is not on the menu. Train with fewer steps, or more of the old questions, or add it anyway."),
  stopped: message("{name} was stopped. What was learned so far is kept."),
  failed: message("{name} broke off."),
};

/** What scores measure, by their names (`training/scoring/measures.py`). @type {Record<string, string>} */
const MEASURES = {
  found: message("Things found"), absent: message("Absent things not found"), yes: message("Correct “yes” answers"), no: message("Correct “no” answers"),
  yes_no: message("Yes or no"), named: message("Things named in captions"), right: message("Right answers"), words: message("Words of long answers"),
  preferred: message("Answers like the preferred ones"), agreed: message("What both answers of a pair say"),
  mean: message("Mean"), caption_f1: message("Things named in captions"), grounded_recall50: message("Things that captions give places"), locate_iou50: message("Things found"),
  vqa_em: message("Short answers"), absent_em: message("Absent things not found"), japanese_em: message("Short answers in Japanese"),
};

/**
 * @param {Run} run
 * @param {(act: "stop" | "resume" | "list" | "try") => void} onAct
 */
export function runReport(run, onAct) {
  const button = (/** @type {Parameters<typeof onAct>[0]} */ act, /** @type {string} */ words, /** @type {Record<string, any>} */ more = {}) => h("button", { type: "button", class: "secondary", data: { act }, onclick: () => onAct(act), ...more }, words);
  return h("div", { class: "report" },
    h("div", { class: "head" }, h("h3", {}, run.name),
      run.is_running && button("stop", say("Stop"), { disabled: run.is_stopping }),
      run.can_go_on && button("resume", say("Go on")),
      run.can_be_listed && button("list", say("Add to the menu")),
      run.is_listed && !run.is_running && button("try", say("Try it in Studio"), { class: "primary" })),
    h("p", { class: "doing", role: "status" }, describe(run)),
    !run.is_running && run.outcome === "failed" && h("p", { class: "problem" }, run.text),
    run.is_listed && !run.is_running && h("p", { class: "note" }, say("Studio asks {model} the same each time, and shows its answer beside.", { model: run.model })),
    run.is_running && h("progress", { "aria-label": say("Progress"), ...shareDone(run) }),
    run.losses.length > 0 && lossCurve(run.losses, run.steps ?? run.losses.length), scoreTable(run.before, run.after),
    ...run.notes.map((note) => h("p", { class: "note" }, note)));
}

/** @param {Run} run */
function describe({ name, model, is_running: isRunning, is_stopping: isStopping, is_listed: isListed, stage, done, total, outcome, losses, steps }) {
  if (isStopping) return say("Stopping: the current step is finished and the progress is saved…");
  if (!isRunning) return say(isListed ? OUTCOMES.finished : OUTCOMES[outcome ?? "failed"], { name });
  if (stage === "training" && losses.length) return say("Step {step} of {steps}", { step: losses[losses.length - 1][0], steps: steps ?? "?" });
  if (!stage) return say("Training {model}: starting…", { model });
  const doing = say(STAGES[stage] ?? stage);
  return total ? say("{doing}: {done} of {total}", { doing, done: done ?? 0, total }) : doing;
}

/** @param {Run} run */
function shareDone({ stage, done, total, losses, steps }) {
  if (stage === "training" && losses.length && steps) return { value: losses[losses.length - 1][0] / steps };
  return total ? { value: (done ?? 0) / total } : {};
}

/**
 * @param {ScorePair} before
 * @param {ScorePair} after
 */
function scoreTable(before, after) {
  if (!before && !after) return null;
  return h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": say("Scores before and after") }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, say("Percent")), h("th", { scope: "col" }, say("Before")), h("th", { scope: "col" }, say("After")))),
    ...groupRows(say("New data, held out"), before?.new, after?.new), ...groupRows(say("Old skills"), before?.old, after?.old)));
}

/**
 * @param {string} title
 * @param {import("./types.js").Scores} [first]
 * @param {import("./types.js").Scores} [second]
 */
function groupRows(title, first = {}, second = {}) {
  const names = [...new Set([...Object.keys(first), ...Object.keys(second)])].filter((name) => typeof first[name] === "number" || typeof second[name] === "number");
  const row = (/** @type {string} */ name) => h("tr", {}, h("th", { scope: "row" }, say(MEASURES[name] ?? name)), h("td", {}, percent(first[name])), h("td", {}, percent(second[name])));
  return names.length ? [h("tbody", {}, h("tr", { class: "group" }, h("th", { scope: "rowgroup", colspan: 3 }, title)), ...names.map(row))] : [];
}

/** @param {number | null | undefined} value */
const percent = (value) => (typeof value === "number" ? (100 * value).toFixed(1) : "–");
