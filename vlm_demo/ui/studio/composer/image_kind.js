// Of what kind the picture on the canvas is, as far as it decides what a model can say about it.
import { call } from "../api/call.js";

/** @typedef {import("../state/types.js").Picture} Picture */

/**
 * @param {Picture | null} picture
 * @param {{id: string, kind?: string}[]} examples
 * @returns {string | null | undefined} undefined: it was not looked at yet; null: nobody can tell
 */
export const imageKindOf = (picture, examples) => (picture?.example ? examples.find(({ id }) => id === picture.example)?.kind : picture?.imageKind);

/**
 * Tells whether the kind of a picture matters to a model.
 * @param {any} model its ModelInfo
 */
const minds = (model) => Boolean(model?.made_for) || Object.values(model?.suggestions ?? {}).flat().some((/** @type {any} */ one) => one.image_kind);

/**
 * Has pictures looked at, each once, where it matters.
 * @param {import("../studio.js").Studio} studio
 */
export function followImageKinds(studio) {
  const { store } = studio, asked = new Set();
  const ask = async () => {
    const { conversation } = store.get(), shown = conversation.pictures.find(({ key }) => key === conversation.shown);
    if (!shown || shown.example || shown.status !== "ready" || shown.imageKind !== undefined || asked.has(shown.key) || !minds(studio.model())) return;
    const { key } = shown;
    asked.add(key);
    const ids = await studio.pictures.ids([key]);
    const { kind } = await call("studio_image_kind", [ids.get(key)]);
    store.update((state) => ({
      ...state, conversation: { ...state.conversation, pictures: state.conversation.pictures.map((one) => (one.key === key ? { ...one, imageKind: kind } : one)) },
    }));
  };
  // Without an answer, what is said holds for all kinds.
  const follow = () => void ask().catch(() => {});
  for (const select of [() => store.get().conversation.shown, () => store.get().conversation.pictures, () => studio.model()]) store.subscribe(select, follow);
}
