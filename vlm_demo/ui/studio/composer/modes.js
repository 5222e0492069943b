// What a person can ask for: the modes of the composer, and the tasks of the protocol that they stand for.
import { message } from "../../i18n/say.js";

/** @typedef {import("../state/types.js").Draft} Draft */
/** @typedef {import("../state/types.js").Mode} Mode */
/** @typedef {import("../state/types.js").Task} Task */
/** @typedef {import("../state/types.js").Turn} Turn */

/** @type {Mode[]} */
export const MODES = ["chat", "caption", "ask", "find", "describe", "read", "detect"];

/** Name of each mode, in English; `say` translates it. @type {Record<Mode, string>} */
export const MODE_NAMES = {
  chat: message("Chat"), caption: message("Caption"), ask: message("Ask"), find: message("Find objects"), describe: message("Describe region"), read: message("Read text"), detect: message("Detect all"),
};

/** What each mode does, in English. @type {Record<Mode, string>} */
export const MODE_HINTS = {
  chat: message("Talk about the image; earlier turns are remembered"),
  caption: message("One description of the image"),
  ask: message("One question, one short answer"),
  find: message("Boxes around each thing that you list"),
  describe: message("What is inside the marked region"),
  read: message("The text that is written in the image"),
  detect: message("Boxes around everything that the model knows"),
};

/** Styles of captions. */
export const STYLES = ["short", "detailed", "grounded", "continue"];

/** Name of each style, in English. @type {Record<string, string>} */
export const STYLE_NAMES = { short: message("Short"), detailed: message("Detailed"), grounded: message("Grounded (with boxes)"), continue: message("Continue my text") };

/** @type {Record<string, Task>} */
const CAPTION_TASKS = { short: "caption", detailed: "detailed_caption", grounded: "grounded_caption", continue: "caption" };

/** @type {Record<Exclude<Mode, "caption">, Task>} */
const TASKS = { chat: "chat", ask: "vqa", find: "grounding", describe: "describe_region", read: "read", detect: "detect" };

/**
 * @param {Mode} mode
 * @param {string} [style] of a caption
 * @returns {Task}
 */
export const taskOf = (mode, style = "short") => (mode === "caption" ? CAPTION_TASKS[style] ?? "caption" : TASKS[mode]);

/**
 * The mode and style in which a task is asked for.
 * @param {{task: Task, text?: string}} turn
 * @returns {{mode: Mode, style: string}}
 */
export function modeOf({ task, text = "" }) {
  const found = /** @type {Mode | undefined} */ (Object.entries(TASKS).find(([, own]) => own === task)?.[0]);
  if (found) return { mode: found, style: "short" };
  const styles = { detailed_caption: "detailed", grounded_caption: "grounded" };
  return { mode: "caption", style: /** @type {Record<string, string>} */ (styles)[task] ?? (text ? "continue" : "short") };
}

/**
 * Tells whether words are written in a mode.
 * @param {Mode} mode
 * @param {string} style
 */
export const takesText = (mode, style) => mode === "chat" || mode === "ask" || mode === "find" || (mode === "caption" && style === "continue");

/**
 * Tells whether the marked region shows what is to be found.
 * @param {{options: import("../state/types.js").Options, regions: readonly unknown[]}} asked
 */
export const isSearchByExample = ({ options, regions }) => options.region_form === "example" && regions.length > 0;

/**
 * A draft that asks for everything that is like a region.
 * @param {Draft} draft
 * @param {import("../state/types.js").Region} region
 * @returns {Draft}
 */
export const likeRegion = (draft, region) => ({
  ...draft, mode: "find", text: "", tags: [], regions: [region], options: { ...draft.options, region_form: "example" }, auto: false, problem: null,
});

/**
 * Tells whether a draft says enough to be sent.
 * @param {Draft} draft
 */
export function isSendable(draft) {
  const { mode, style, text, tags } = draft;
  if (!takesText(mode, style) || isSearchByExample(draft)) return true;
  return Boolean(text.trim()) || (mode === "find" && tags.length > 0);
}

/**
 * Why a model cannot do what a mode asks for.
 * @param {any} model its ModelInfo; undefined: nothing is known, so that only the server can say
 * @param {Mode} mode
 * @param {string} [style]
 * @returns {import("../state/types.js").ServerText | null} null: it can
 */
export function obstacleTo(model, mode, style) {
  const can = model?.can?.[taskOf(mode, style)];
  return can === undefined || can === true ? null : can || "";
}

/** @returns {Draft} */
export const emptyDraft = () => ({
  mode: "chat", style: "short", text: "", tags: [], pictures: [], left: [], inTurn: false, regions: [], options: {}, editing: null, auto: false, asking: false, problem: null,
});

/**
 * What stays in the composer when a draft has been sent.
 * @param {Draft} draft
 * @returns {Draft}
 */
export const afterSending = (draft) => ({
  ...draft, options: isSearchByExample(draft) ? { ...draft.options, region_form: undefined } : draft.options, mode: draft.auto ? "chat" : draft.mode, auto: false, text: "", tags: [], regions: [], editing: null, asking: false, problem: null,
});

/**
 * Puts the question of a turn into the composer.
 * @param {Draft} draft
 * @param {Turn} turn
 * @returns {Draft}
 */
export const draftOf = (draft, turn) => ({
  ...draft, ...modeOf(turn), text: turn.text, tags: turn.targets, ...(turn.pictures.length ? { pictures: turn.pictures, left: [] } : {}),
  regions: turn.regions, options: turn.options, auto: false, asking: false, problem: null,
});

/**
 * A region was marked or removed. While nothing is written, marking one asks for its description.
 * @param {Draft} draft
 * @param {import("../state/types.js").Region[]} regions
 * @param {any} model
 * @returns {Draft}
 */
export function withRegions(draft, regions, model) {
  const next = { ...draft, regions };
  if (regions.length && draft.mode === "chat" && !draft.text.trim() && obstacleTo(model, "describe") === null) return { ...next, mode: "describe", auto: true };
  if (!regions.length && draft.auto) return { ...next, mode: "chat", auto: false };
  return next;
}

/**
 * Words were written. Where marking a region had chosen the mode, they are a question about it.
 * @param {Draft} draft
 * @param {string} text
 * @returns {Draft}
 */
export function withText(draft, text) {
  const asked = draft.auto && text.trim() ? { mode: /** @type {Mode} */ ("chat"), auto: false } : {};
  return { ...draft, text, ...asked, asking: draft.asking && text === draft.text };
}
