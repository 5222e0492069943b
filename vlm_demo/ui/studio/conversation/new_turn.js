// Turns made of what is written in the composer.
import { allTags } from "../composer/tags.js";
import { takesText, taskOf } from "../composer/modes.js";
import { isBusy, newAnswer, stopAnswer } from "../state/answers.js";
import { newId } from "../state/ids.js";
import { selectedPictures } from "../state/attached.js";
import { chooseGroups } from "../state/requests.js";

/** @typedef {import("../state/types.js").Draft} Draft */
/** @typedef {import("../state/types.js").Turn} Turn */
/** @typedef {import("../state/types.js").Conversation} Conversation */

/**
 * The pictures of each turn that asks what is written in the composer.
 * @param {Draft} draft
 * @param {Conversation} conversation
 * @param {number} [most] pictures that the model sees at a time
 */
export function groupsOf(draft, conversation, most) {
  const { mode, style, regions, editing, inTurn } = draft;
  return chooseGroups(conversation, selectedPictures(draft), { task: taskOf(mode, style), regions, before: editing, most, inTurn });
}

/**
 * The turn that asks what is written in the composer.
 * @param {Draft} draft
 * @param {string} model
 * @param {string[]} pictures
 * @param {Turn["part"]} [part] it is one of several
 * @returns {Turn}
 */
export function newTurn(draft, model, pictures, part = null) {
  const { mode, style, text, tags, regions, options } = draft, now = Date.now(), task = taskOf(mode, style);
  return {
    id: newId(), task, text: mode === "find" || !takesText(mode, style) ? "" : text.trim(), targets: mode === "find" ? allTags(tags, text) : [], regions, options, model,
    pictures, answers: [newAnswer(newId(), model, now)], created: now, changed: now, part, film: null,
  };
}

/**
 * The film through which a draft looks for things; null: it does not.
 * @param {Draft} draft
 * @param {Conversation} conversation
 */
export function filmOf({ mode, oneFrame, pictures, left = [], regions }, { pictures: all }) {
  if (mode !== "find" || oneFrame || regions.length) return null;
  const chosen = all.find(({ key, kind }) => kind === "film" && pictures.includes(key) && !left.includes(key));
  return chosen ? chosen.origin ?? chosen.key : null;
}

/**
 * A turn whose answers nobody is asking for any more.
 * @param {Turn} turn
 * @returns {Turn}
 */
export const settled = (turn) => (turn.answers.some(isBusy) ? { ...turn, answers: turn.answers.map((answer) => stopAnswer(answer, Date.now())) } : turn);
