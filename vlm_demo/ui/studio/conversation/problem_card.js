// The one way in which the page says that something went wrong, with what can be done about it.
import { h } from "../../components/dom.js";
import { icon } from "../icons.js";
import { translate } from "../server_text.js";
import { actOn } from "../actions/remedies.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Problem} Problem */

/**
 * @param {Studio} studio
 * @param {Problem} problem
 * @param {{turn: string, answer: string} | null} place the answer that failed; null: what is being written
 * @returns {HTMLElement}
 */
export function createProblem(studio, { message, remedies }, place) {
  const turn = studio.store.get().conversation.turns.find(({ id }) => id === place?.turn);
  const possible = remedies.filter(({ action }) => action !== "halve" || turn?.pictures.length);
  return h(
    "div", { class: "problem", role: "alert" }, icon("warning"),
    h("p", {}, translate(message)),
    h("div", { class: "remedies" }, ...possible.map((remedy) => h(
      "button", { type: "button", class: "button", data: { action: remedy.action }, onclick: () => actOn(studio, remedy, place) }, translate(remedy.label),
    ))),
  );
}
