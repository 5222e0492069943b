// What is said above the composer: what is missing, what went wrong, what the model does not know, and what it was seen
// to answer.
import { fill, h } from "../../components/dom.js";
import { language, say } from "../../i18n/say.js";
import { createProblem } from "../conversation/problem_card.js";
import { taskOf } from "./modes.js";
import { followImageKinds } from "./image_kind.js";
import { createSelectionNote } from "./selection_note.js";
import { findNotes } from "./model_notes.js";
import { findSuggestions } from "./suggestions.js";

/** @typedef {import("../studio.js").Studio} Studio */

/**
 * @param {Studio} studio
 * @param {() => void} refocus
 * @returns {HTMLElement}
 */
export function createHints(studio, refocus) {
  const question = h("div", { class: "composer-question", role: "status" }), problem = h("div", { class: "composer-problem" });
  const notes = h("div", { class: "composer-notes", role: "status" }), suggestions = h("div", { class: "suggestions", role: "group", "aria-label": say("Suggestions") });
  const { store } = studio;
  store.subscribe(({ draft }) => draft.asking, (asking) => fill(question, ...(asking ? askForImage(studio, refocus) : [])), { now: true });
  store.subscribe(({ draft }) => draft.problem, (found) => fill(problem, found && createProblem(studio, found, null)), { now: true });
  const state = () => {
    const { start, model, conversation, draft } = store.get();
    const shown = conversation.pictures.find(({ key }) => key === conversation.shown) ?? null;
    return { models: start?.models ?? [], examples: start?.examples ?? [], model: studio.model(), name: model, task: taskOf(draft.mode, draft.style), shown, draft, turns: conversation.turns.length, language: language() };
  };
  const draw = () => {
    const now = state();
    fill(notes, ...findNotes(now).map(({ text, values, remedies }) => h(
      "p", { class: "note" }, say(text, values), " ",
      ...remedies.map((remedy) => h("button", { type: "button", class: "text-button", onclick: () => studio.chooseModel(remedy.model) }, say(remedy.label, remedy.values))),
    )));
    fill(suggestions, ...findSuggestions(now).map(({ text, label, task }) => h(
      "button", { type: "button", class: "suggestion", dir: "auto", onclick: () => studio.askAtOnce(task, text) }, label || text,
    )));
    suggestions.hidden = !suggestions.childElementCount;
  };
  followImageKinds(studio);
  let drawn = "";
  // Only what these depend on: rebuilding the buttons at each letter would take the focus from them.
  const key = () => {
    const { name, task, shown, draft, turns, models } = state();
    return JSON.stringify([name, task, models.length, shown?.key, shown?.example, shown?.imageKind, turns, draft.text.trim() && findNotes(state()).map(({ text }) => text), Boolean(draft.text.trim() || draft.tags.length), draft.regions.length > 0]);
  };
  const update = () => {
    const next = key();
    if (next !== drawn) draw();
    drawn = next;
  };
  for (const select of [() => store.get().start, () => store.get().model, () => store.get().draft, () => store.get().conversation.shown, () => store.get().conversation.pictures, () => store.get().conversation.turns.length]) store.subscribe(select, update);
  update();
  return h("div", { class: "composer-hints" }, createSelectionNote(studio), notes, question, problem, suggestions);
}

/**
 * @param {Studio} studio
 * @param {() => void} refocus
 */
function askForImage(studio, refocus) {
  const sendText = () => {
    void studio.asking.send({ withoutPicture: true });
    refocus();
  };
  return [
    h("span", {}, say("No image attached")), h("button", { type: "button", class: "button", onclick: () => studio.chooseFiles() }, say("Add image")),
    h("button", { type: "button", class: "button", onclick: sendText }, say("Send text only")),
  ];
}
