// One model in the panel.
import { h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { translate } from "../../studio/server_text.js";
import { abilities, cannot, facts } from "./groups.js";
import { icon } from "./icons.js";

/** @typedef {import("./store.js").ModelInfo} ModelInfo */
/** @typedef {import("./store.js").Models} Models */

const ABILITY_TITLES = { chat: "Chat", boxes: "Boxes", text: "Read text" };

/**
 * Makes the row of a model: a button that chooses it, and one that frees its memory.
 * @param {ModelInfo} model
 * @param {Models} state
 * @param {{choose: (name: string) => void, unload: (name: string) => void}} actions
 * @returns {HTMLElement}
 */
export function modelRow(model, state, { choose, unload }) {
  const isChosen = model.name === state.chosen, isElsewhere = model.group === "elsewhere";
  const reason = isElsewhere ? model.obstacle : cannot(model, state.task);
  return h("li", { class: ["model-row", isChosen && "chosen", (isElsewhere || reason) && "unable"] },
    h("button", {
      type: "button", class: "model-choose", data: { model: model.name }, "aria-current": isChosen ? "true" : null,
      "aria-disabled": isElsewhere ? "true" : null, onclick: () => isElsewhere || choose(model.name),
    }, mark(model, isChosen), words(model, state.loading?.name === model.name ? state.loading : null, translate(reason)), abilityIcons(model)),
    model.loaded && state.mayManage && unloadButton(model, unload));
}

/** @param {ModelInfo} model @param {boolean} isChosen */
const mark = (model, isChosen) => h("span", { class: "model-mark" },
  isChosen ? icon("chosen", 18) : model.loaded && h("span", { class: "model-dot", title: say("Loaded") }));

/** @param {ModelInfo} model @param {Models["loading"]} loading @param {string} reason */
const words = (model, loading, reason) => h("span", { class: "model-words" },
  h("span", { class: "model-name" }, model.title, model.loaded && h("span", { class: "sr-only" }, `, ${say("Loaded")}`)),
  h("span", { class: "model-facts" }, facts(model)),
  loading?.problem ? h("span", { class: "model-problem" }, translate(loading.problem)) : reason && h("span", { class: "model-reason" }, reason),
  loading && !loading.problem && progress(loading));

/** @param {ModelInfo} model */
const abilityIcons = (model) => h("span", { class: "model-abilities" }, abilities(model).map((name) => (
  h("span", { title: say(ABILITY_TITLES[name]) }, icon(name, 18), h("span", { class: "sr-only" }, ` ${say(ABILITY_TITLES[name])}`)))));

/** @param {ModelInfo} model @param {(name: string) => void} unload */
const unloadButton = (model, unload) => h("button", {
  type: "button", class: "model-unload", title: say("Free its memory"),
  "aria-label": say("Free the memory of {model}", { model: model.title }), onclick: () => unload(model.name),
}, icon("unload", 18));

/** @param {NonNullable<Models["loading"]>} loading */
const progress = ({ stage, share }) => h("span", { class: "model-progress" },
  h("progress", { "aria-label": say("Loading the model"), max: 1, ...(share === null ? {} : { value: share }) }),
  h("span", {}, share === null ? translate(stage) : `${Math.round(share * 100)} %`));
