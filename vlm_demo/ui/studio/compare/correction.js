// Corrects a checked answer: what is wrong is struck out, a person goes over the rest, and it takes the answer's place.
import { fill, h } from "../../components/dom.js";
import { message, say } from "../../i18n/say.js";
import { call } from "../api/call.js";
import { withPictures } from "../actions/download.js";
import { correctAnswer, mentionsToKeep } from "../state/corrections.js";
import { changeAnswer } from "../state/conversations.js";
import { documentOf } from "../state/documents.js";
import { newId } from "../state/ids.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Answer} Answer */
/** The answer that is checked, and how its panel closes. @typedef {{turn: string, answer: Answer, close: () => void}} Place */
/** @typedef {{text: string, struck: boolean}} Part */
/** What a check has found. @typedef {{parts: Part[], rewritten: string, findings: import("../state/corrections.js").Finding[], checker: string}} Checked */

/**
 * A button that opens the correction.
 * @param {Studio} studio
 * @param {Place} place
 * @param {Checked} checked
 */
export function createCorrection(studio, place, checked) {
  const correction = h("div", { class: "correction" });
  correction.append(h("button", { type: "button", class: "button", onclick: () => open(studio, place, checked, correction) }, say("Correct it")));
  return correction;
}

/**
 * @param {Studio} studio
 * @param {Place} place
 * @param {Checked} checked
 * @param {HTMLElement} correction
 */
function open(studio, place, checked, correction) {
  const struck = h("blockquote", { class: "corrected", dir: "auto" }, ...checked.parts.map(({ text, struck: wrong }) => (wrong ? h("del", {}, text) : text)));
  const field = /** @type {HTMLTextAreaElement} */ (h("textarea", { id: "corrected-answer", rows: 3, dir: "auto" }));
  field.value = checked.rewritten;
  const use = h("button", { type: "button", class: "button primary", onclick: () => void save(studio, place, checked, field.value.trim()) }, say("Use this answer"));
  fill(correction, struck, h("label", { for: "corrected-answer" }, say("Corrected answer")), field, h("div", { class: "remedies" }, use));
  field.focus();
}

/**
 * @param {Studio} studio
 * @param {Place} place
 * @param {Checked} checked
 * @param {string} text
 */
async function save(studio, { turn, answer, close }, { findings, checker }, text) {
  if (!text) return;
  const mentions = mentionsToKeep(answer, findings);
  try {
    const { events } = await withPictures(studio, answer.pictures, (images) => call("studio_correct", [{ ...documentOf(studio.store.get().conversation, turn, answer, images, []), text, raw: "", mentions }]));
    const note = { words: message("Corrected after a check by {model}."), values: { model: studio.titleOfModel(checker) } }, now = Date.now();
    close();
    studio.store.update((state) => ({ ...state, conversation: changeAnswer(state.conversation, turn, answer.id, (old) => correctAnswer(old, newId(), { text, events, note }, now), now) }));
  } catch (error) {
    studio.report(error);
  }
}
