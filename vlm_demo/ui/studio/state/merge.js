// One conversation that was changed in two windows: of each turn, the newer state counts, and nothing is lost.

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").Turn} Turn */
/** @typedef {import("./types.js").Picture} Picture */

/**
 * Merges two states of a conversation.
 *
 * A turn that was deleted stays so unless it was changed afterwards. Title, layers and the like are those of the
 * state that changed last. Pictures are those of both; of one that both have, `mine` counts.
 *
 * @param {Conversation} mine
 * @param {Conversation} theirs
 * @returns {Conversation} `mine` itself where `theirs` has nothing new
 */
export function mergeConversations(mine, theirs) {
  const deleted = { ...theirs.deleted };
  for (const [id, time] of Object.entries(mine.deleted)) deleted[id] = Math.max(time, deleted[id] ?? 0);
  /** @type {Map<string, Turn>} */
  const turns = new Map(mine.turns.map((turn) => [turn.id, turn]));
  for (const turn of theirs.turns) {
    const own = turns.get(turn.id);
    if (!own || own.changed < turn.changed) turns.set(turn.id, turn);
  }
  const alive = [...turns.values()].filter(({ id, changed }) => !(deleted[id] >= changed));
  alive.sort((one, other) => one.created - other.created);
  const known = new Set(mine.pictures.map(({ key }) => key));
  const pictures = theirs.pictures.filter(({ key }) => !known.has(key));
  const newer = theirs.changed > mine.changed;
  const same = !newer && !pictures.length && alive.length === mine.turns.length && alive.every((turn, index) => turn === mine.turns[index])
    && Object.entries(deleted).every(([id, time]) => mine.deleted[id] === time);
  if (same) return mine;
  const { title, layers, shots, shown } = newer ? theirs : mine;
  return {
    ...mine, title, layers, shots, shown, deleted, turns: alive, changed: Math.max(mine.changed, theirs.changed),
    pictures: pictures.length ? [...mine.pictures, ...pictures] : mine.pictures,
  };
}
