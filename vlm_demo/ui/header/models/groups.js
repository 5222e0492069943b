// How the models are listed: in groups, found by words, with what they can and cannot do.

import { message } from "../../i18n/say.js";

/** @typedef {import("./store.js").ModelInfo} ModelInfo */
/** @typedef {import("./store.js").ServerText} ServerText */

/** The groups in their order, with their titles. @type {[ModelInfo["group"], string][]} */
export const GROUPS = [
  ["here", message("On this computer")],
  ["fits", message("Fits here")],
  ["servers", message("Servers")],
  ["elsewhere", message("Too large or elsewhere")],
];

/** Tasks of the protocol whose answers are boxes. */
const BOX_TASKS = ["grounding", "detect", "grounded_caption"];

/**
 * Whether all words of a search are in what a model is called.
 * @param {ModelInfo} model
 * @param {string} query
 */
export function matches(model, query) {
  const text = [model.name, model.title, model.family, model.licence, model.size, ...model.languages].join(" ").toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/**
 * Sorts models into their groups; those that can do the task come first, in the server's order.
 * @param {ModelInfo[]} models
 * @param {string} query
 * @param {string} task
 * @returns {{group: ModelInfo["group"], title: string, models: ModelInfo[]}[]} groups that have any
 */
export function groupModels(models, query, task) {
  const found = models.filter((model) => matches(model, query));
  return GROUPS.map(([group, title]) => {
    const members = found.filter((model) => model.group === group);
    const able = members.filter((model) => cannot(model, task) === null);
    return { group, title, models: [...able, ...members.filter((model) => !able.includes(model))] };
  }).filter(({ models: members }) => members.length);
}

/**
 * Says why a model cannot do a task.
 * @param {ModelInfo} model
 * @param {string} task
 * @returns {ServerText | null} null: it can
 */
export function cannot(model, task) {
  const ability = model.can[task];
  return ability === true || ability === undefined ? null : ability;
}

/**
 * What a model is good for, as the names of icons.
 * @param {ModelInfo} model
 * @returns {("chat" | "boxes" | "text")[]}
 */
export function abilities(model) {
  /** @type {("chat" | "boxes" | "text")[]} */
  const found = [];
  if (model.can.chat === true) found.push("chat");
  if (BOX_TASKS.some((task) => model.can[task] === true)) found.push("boxes");
  if (model.can.read === true) found.push("text");
  return found;
}

/**
 * Writes the facts of a model in one line: parameters, size, licence.
 * @param {ModelInfo} model
 */
export function facts(model) {
  return [model.size, model.gigabytes ? `${formatGigabytes(model.gigabytes)} GB` : "", model.licence].filter(Boolean).join(" · ");
}

/** @param {number} gigabytes */
const formatGigabytes = (gigabytes) => (gigabytes < 10 ? gigabytes.toFixed(gigabytes < 0.095 ? 2 : 1) : gigabytes.toFixed(0));
