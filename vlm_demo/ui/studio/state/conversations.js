// Conversations: pure functions from one to the next.
import { isBusy, stopAnswer } from "./answers.js";

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").Turn} Turn */
/** @typedef {import("./types.js").Answer} Answer */
/** @typedef {import("./types.js").Picture} Picture */

/** Longest title that is made of a question, in characters. */
const TITLE_LENGTH = 60;

/**
 * @param {string} id
 * @param {number} now
 * @returns {Conversation}
 */
export const newConversation = (id, now) => ({
  id, title: "", created: now, changed: now, pictures: [], turns: [], shown: null, layers: { hidden: [], shown: [], deleted: [] }, shots: [], deleted: {},
});

/**
 * @param {string} key
 * @param {{name: string, blob?: Blob | null, example?: string | null, url?: string | null, width?: number, height?: number}} values
 * @returns {Picture}
 */
export const newPicture = (key, { name, blob = null, example = null, url = null, width = 0, height = 0 }) => ({
  key, name, blob, example, width, height, frames: 1, serverId: null, url, status: "new", share: 0, problem: null,
});

/**
 * A conversation out of storage: what was on its way to the server when it was stored is not any more, and the server
 * may have been started anew since.
 * @param {Conversation} conversation
 * @returns {Conversation}
 */
export const restored = (conversation) => ({
  ...conversation,
  pictures: conversation.pictures.map((picture) => (picture.status === "ready" || picture.status === "gone" ? picture : { ...picture, status: "new", problem: null })),
});

/** @param {Conversation} conversation */
export const isEmpty = ({ turns, pictures, title, shots }) => !turns.length && !pictures.length && !title && !shots.length;

/**
 * Name of a conversation: the one that a person gave it, or its first question, or its picture.
 * @param {Conversation} conversation
 */
export function titleOf({ title, turns, pictures }) {
  if (title) return title;
  const first = turns.find((turn) => turn.text || turn.targets.length);
  const words = first ? (first.text || first.targets.join(", ")) : (pictures[0]?.name ?? "");
  const line = words.trim().replace(/\s+/g, " "), letters = [...line];
  return letters.length > TITLE_LENGTH ? `${letters.slice(0, TITLE_LENGTH - 1).join("")}…` : line;
}

/**
 * What the list of conversations says of one.
 * @param {Conversation} conversation
 * @returns {import("./types.js").Summary}
 */
export const summaryOf = (conversation) => ({ id: conversation.id, title: titleOf(conversation), changed: conversation.changed, turns: conversation.turns.length });

/**
 * Adds a picture, or changes the one that has its key.
 * @param {Conversation} conversation
 * @param {Picture} picture
 * @returns {Conversation}
 */
export function putPicture(conversation, picture) {
  const known = conversation.pictures.some(({ key }) => key === picture.key);
  const pictures = known ? conversation.pictures.map((one) => (one.key === picture.key ? picture : one)) : [...conversation.pictures, picture];
  return { ...conversation, pictures };
}

/**
 * Changes a picture, where it is there.
 * @param {Conversation} conversation
 * @param {string} key
 * @param {Partial<Picture>} change
 * @returns {Conversation}
 */
export function changePicture(conversation, key, change) {
  const picture = conversation.pictures.find((one) => one.key === key);
  return picture ? putPicture(conversation, { ...picture, ...change }) : conversation;
}

/**
 * Adds a turn. Where it replaces another, that one and all that follow are gone.
 * @param {Conversation} conversation
 * @param {Turn} turn
 * @param {string | null} [replaced] id of the turn in whose place it stands
 * @returns {Conversation}
 */
export function addTurn(conversation, turn, replaced = null) {
  const cut = replaced ? conversation.turns.findIndex(({ id }) => id === replaced) : -1;
  const before = cut < 0 ? conversation : deleteTurns(conversation, conversation.turns.slice(cut).map(({ id }) => id), turn.changed);
  return { ...before, turns: [...before.turns, turn], changed: turn.changed };
}

/**
 * @param {Conversation} conversation
 * @param {string[]} ids
 * @param {number} now
 * @returns {Conversation}
 */
export function deleteTurns(conversation, ids, now) {
  const deleted = { ...conversation.deleted };
  for (const id of ids) deleted[id] = now;
  return { ...conversation, turns: conversation.turns.filter(({ id }) => !ids.includes(id)), deleted, changed: now };
}

/**
 * Brings back turns that were deleted, in place of those that came since.
 * @param {Conversation} conversation
 * @param {Turn[]} turns all that there were
 * @param {number} now
 * @returns {Conversation}
 */
export function restoreTurns(conversation, turns, now) {
  const kept = new Set(turns.map(({ id }) => id));
  const rest = deleteTurns(conversation, conversation.turns.filter(({ id }) => !kept.has(id)).map(({ id }) => id), now);
  const deleted = { ...rest.deleted };
  for (const id of kept) delete deleted[id];
  return { ...rest, deleted, turns: turns.map((turn) => ({ ...turn, changed: now })), changed: now };
}

/**
 * Changes a turn, where it is there.
 * @param {Conversation} conversation
 * @param {string} id
 * @param {(turn: Turn) => Turn} change
 * @param {number} now
 * @returns {Conversation}
 */
export function changeTurn(conversation, id, change, now) {
  let changed = false;
  const turns = conversation.turns.map((turn) => {
    if (turn.id !== id) return turn;
    const next = change(turn);
    if (next === turn) return turn;
    changed = true;
    return { ...next, changed: now };
  });
  return changed ? { ...conversation, turns, changed: now } : conversation;
}

/**
 * Changes an answer, where it is there.
 * @param {Conversation} conversation
 * @param {string} turn
 * @param {string} answer
 * @param {(answer: Answer) => Answer} change
 * @param {number} now
 * @returns {Conversation}
 */
export const changeAnswer = (conversation, turn, answer, change, now) => changeTurn(conversation, turn, (one) => {
  const answers = one.answers.map((each) => (each.id === answer ? change(each) : each));
  return answers.some((each, index) => each !== one.answers[index]) ? { ...one, answers } : one;
}, now);

/**
 * @param {Conversation} conversation
 * @param {string} turn
 */
export const findTurn = (conversation, turn) => conversation.turns.find(({ id }) => id === turn);

/**
 * @param {Conversation} conversation
 * @param {string} turn
 * @param {string} answer
 * @returns {Answer | undefined}
 */
export const findAnswer = (conversation, turn, answer) =>
  findTurn(conversation, turn)?.answers.find(({ id }) => id === answer);

/**
 * Ends answers that no window is asking for any more, such as those of a page that was closed.
 * @param {Conversation} conversation
 * @param {number} before answers that have not changed since then, in milliseconds
 * @returns {Conversation}
 */
export function stopAbandoned(conversation, before) {
  const abandoned = (/** @type {Answer} */ answer) => isBusy(answer) && answer.changed < before;
  if (!conversation.turns.some(({ answers }) => answers.some(abandoned))) return conversation;
  const turns = conversation.turns.map((turn) => ({
    ...turn, answers: turn.answers.map((answer) => (abandoned(answer) ? stopAnswer(answer, answer.changed) : answer)),
  }));
  return { ...conversation, turns };
}
