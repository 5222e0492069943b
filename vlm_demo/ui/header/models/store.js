// The models of the page: which there are, which one answers, how its loading goes. Studio, the header and Gradio's
// views share it.
import { createStore } from "../../studio/state/store.js";

/** @typedef {{words: string, values?: Record<string, any>} | string} ServerText */

/**
 * What the server says of a model; see `ui/studio/models.py`.
 * @typedef {{name: string, title: string, family: string, size: string, parameters: number | null, gigabytes: number | null,
 *   licence: string, languages: string[], group: "here" | "fits" | "elsewhere" | "servers", loaded: boolean,
 *   can: Record<string, true | ServerText>, grounds: boolean, note: ServerText, knows_photos: boolean, obstacle?: ServerText}} ModelInfo
 */

/**
 * How the loading of a model goes: a share from 0 to 1, or null where it is not known; why it failed.
 * @typedef {{name: string, stage: ServerText, share: number | null, problem: ServerText | null}} Loading
 */

/**
 * `task` is what Studio is about to ask: models that cannot do it are grey in the panel. `beside` is a model that Studio
 * asks the same, for comparison; "": none.
 * @typedef {{models: ModelInfo[], chosen: string, beside: string, task: string, loading: Loading | null, mayAdd: boolean, mayManage: boolean}} Models
 */

const KEY = "vlm-demo.model";

/** The models of this page. @type {import("../../studio/state/store.js").Store<Models>} */
export const models = createStore(/** @type {Models} */ ({ models: [], chosen: stored(), beside: "", task: "chat", loading: null, mayAdd: false, mayManage: false }));

/** @returns {string} name of the model that answers; "" before the server has said which there are */
export const chosenModel = () => models.get().chosen;

/**
 * Lets another model answer.
 * @param {string} name
 */
export function chooseModel(name) {
  if (!name || name === chosenModel()) return;
  models.update((state) => ({ ...state, chosen: name, beside: "" }));
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // Storage is forbidden here: the choice holds until the page is left.
  }
}

/**
 * Lets a model answer, and Studio ask another one the same, until another model is chosen.
 * @param {string} name
 * @param {string} beside "": none
 */
export function compareModels(name, beside) {
  chooseModel(name);
  models.update((state) => ({ ...state, beside }));
}

/**
 * Calls a listener when another model is chosen.
 * @param {(name: string) => void} listener
 * @returns {() => void} ends it
 */
export const onModelChange = (listener) => models.subscribe((state) => state.chosen, listener);

/**
 * Says what Studio is about to ask.
 * @param {string} task
 */
export const setTask = (task) => models.update((state) => (state.task === task ? state : { ...state, task }));

/**
 * Takes up the list of the server. A choice stays, unless its model is gone or cannot run.
 * @param {ModelInfo[]} list
 * @param {string} [fallback] what is chosen where nothing else is
 */
export function setModels(list, fallback = list[0]?.name ?? "") {
  const usable = new Set(list.filter((model) => model.group !== "elsewhere").map((model) => model.name));
  models.update((state) => ({ ...state, models: list, chosen: usable.has(state.chosen) ? state.chosen : fallback }));
}

/**
 * @param {string} name
 * @param {Partial<ModelInfo>} changes
 */
export const changeModel = (name, changes) => models.update((state) => ({
  ...state, models: state.models.map((model) => (model.name === name ? { ...model, ...changes } : model)),
}));

function stored() {
  try {
    return globalThis.localStorage?.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}
