// An answer as a document, for files, checks and comparisons.

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").Answer} Answer */
/** @typedef {import("./types.js").Layer} Layer */

/**
 * @param {Conversation} conversation
 * @param {string} id of the turn
 * @param {Answer} answer
 * @param {string[]} images ids of `answer.pictures` on the server
 * @param {Layer[]} layers of the conversation; regions of layers that were hidden are left out, outlines are as they are shown
 */
export function documentOf(conversation, id, answer, images, layers) {
  const turn = conversation.turns.find((one) => one.id === id);
  const hidden = new Set(layers.filter((layer) => layer.answer === answer.id && conversation.layers.hidden.includes(layer.id)).flatMap(({ mentions }) => mentions.map(({ index }) => index)));
  const seen = new Map(layers.filter((layer) => layer.answer === answer.id).flatMap((layer) => layer.mentions.map(({ index, regions }) => [index, regions])));
  const mentions = answer.mentions.map((mention, index) => ({ ...mention, regions: hidden.has(index) ? [] : seen.get(index) ?? mention.regions }));
  return { task: turn?.task ?? "chat", text: answer.plain, raw: answer.raw, model: answer.model, question: turn?.text ?? "", targets: turn?.targets ?? [], images, mentions };
}
