// The pictures that are attached to what is being written.

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").Draft} Draft */

/**
 * Keys of the pictures that go with the next question.
 * @param {Pick<Draft, "pictures" | "left">} draft
 */
export const selectedPictures = ({ pictures, left = [] }) => pictures.filter((key) => !left.includes(key));

/**
 * Takes a picture away, or a file with all its pages; turns keep those that they are about.
 * @param {State} state
 * @param {string} key
 * @returns {State}
 */
export function removePicture(state, key) {
  const { conversation, draft } = state, { turns, shots } = conversation;
  const gone = new Set(conversation.pictures.filter((one) => one.key === key || one.origin === key).map((one) => one.key)).add(key);
  const used = new Set([...turns, ...shots].flatMap(({ pictures }) => pictures));
  // The pages that turns are about are taken out of the file again after a restart of the server.
  const origins = new Set(conversation.pictures.filter((one) => used.has(one.key)).map(({ origin }) => origin));
  const isKept = (/** @type {string} */ one) => !gone.has(one) || used.has(one) || origins.has(one);
  const pictures = draft.pictures.filter((one) => !gone.has(one)), wasShown = gone.has(conversation.shown ?? "");
  return {
    ...state, draft: { ...draft, pictures, regions: wasShown ? [] : draft.regions },
    conversation: { ...conversation, shown: wasShown ? pictures.at(-1) ?? null : conversation.shown, pictures: conversation.pictures.filter((one) => isKept(one.key)) },
  };
}
