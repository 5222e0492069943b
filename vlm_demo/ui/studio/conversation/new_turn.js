// Turns made of what is written in the composer.
import { allTags } from "../composer/tags.js";
import { takesText, taskOf } from "../composer/modes.js";
import { isBusy, newAnswer, stopAnswer } from "../state/answers.js";
import { newId } from "../state/ids.js";
import { choosePictures } from "../state/requests.js";

/** @typedef {import("../state/types.js").Draft} Draft */
/** @typedef {import("../state/types.js").Turn} Turn */
/** @typedef {import("../state/types.js").Conversation} Conversation */

/**
 * The turn that asks what is written in the composer.
 * @param {Draft} draft
 * @param {Conversation} conversation
 * @param {string} model
 * @param {number} [most] pictures that it sees at a time
 * @returns {Turn}
 */
export function newTurn(draft, conversation, model, most) {
  const { mode, style, text, tags, regions, options, pictures, editing } = draft, now = Date.now(), task = taskOf(mode, style);
  return {
    id: newId(), task, text: mode === "find" || !takesText(mode, style) ? "" : text.trim(), targets: mode === "find" ? allTags(tags, text) : [], regions, options, model,
    pictures: choosePictures(conversation, pictures, { task, regions, before: editing, most }), answers: [newAnswer(newId(), model, now)], created: now, changed: now,
  };
}

/**
 * A turn whose answers nobody is asking for any more.
 * @param {Turn} turn
 * @returns {Turn}
 */
export const settled = (turn) => (turn.answers.some(isBusy) ? { ...turn, answers: turn.answers.map((answer) => stopAnswer(answer, Date.now())) } : turn);
