// What the buttons below an error do.
import { changeOption } from "../composer/option_values.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Remedy} Remedy */
/** @typedef {{turn: string, answer: string} | null} Place the answer that failed; null: what is being written */

/** @type {Record<string, (studio: Studio, remedy: Remedy, place: Place) => unknown>} */
const ACTS = {
  again: (studio, _, place) => askAgain(studio, place),
  picture: (studio) => studio.chooseFiles(),
  example: (studio) => studio.showExamples(),
  words: (studio, _, place) => {
    if (place) studio.asking.edit(place.turn);
    studio.focusComposer();
  },
  model: (studio, { choice }, place) => {
    studio.chooseModel(choice ?? "");
    return askAgain(studio, place, { model: choice });
  },
  format: async (studio, { choice }, place) => {
    await studio.loadModel(answerOf(studio, place)?.model ?? studio.store.get().model, choice);
    return askAgain(studio, place);
  },
  halve: async (studio, _, place) => {
    const turn = studio.store.get().conversation.turns.find(({ id }) => id === place?.turn);
    for (const key of turn?.pictures ?? []) await studio.pictures.halve(key);
    return askAgain(studio, place);
  },
  shorter: (studio, { choice }, place) => {
    const options = changeOption({}, "max_new_tokens", Number(choice));
    studio.changeDraft((draft) => ({ ...draft, options: { ...draft.options, ...options } }));
    return askAgain(studio, place, { options });
  },
};

/**
 * @param {Studio} studio
 * @param {Remedy} remedy
 * @param {Place} place
 */
export async function actOn(studio, remedy, place) {
  try {
    if (Object.hasOwn(ACTS, remedy.action)) await ACTS[remedy.action](studio, remedy, place);
  } catch (error) {
    studio.report(error);
  }
}

/**
 * @param {Studio} studio
 * @param {Place} place
 * @param {{model?: string, options?: import("../state/types.js").Options}} [changes]
 */
const askAgain = (studio, place, changes) => (place ? studio.asking.again(place.turn, place.answer, changes) : studio.asking.send());

/**
 * @param {Studio} studio
 * @param {Place} place
 */
const answerOf = (studio, place) => studio.store.get().conversation.turns.find(({ id }) => id === place?.turn)?.answers.find(({ id }) => id === place?.answer);
