// Outlines in place of the boxes and points of a layer, or of what a person has marked.
import { message } from "../../i18n/say.js";
import { withPictures } from "../actions/download.js";
import { call } from "../api/call.js";
import { changeAnswer } from "../state/conversations.js";
import { bare } from "../state/requests.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Region} Region */
/** @typedef {import("../state/types.js").Layer} Layer */

/**
 * Shows a layer as outlines, or again as boxes; what has been outlined once is not asked for again.
 *
 * @param {Studio} studio
 * @param {string} id of a layer of the picture that is shown
 */
export async function outlineLayer(studio, id) {
  const layer = studio.shownLayers().find((one) => one.id === id), { shown } = studio.store.get().conversation;
  if (!layer || !shown) return;
  const places = layer.outlined ? [] : placesWithout(studio, layer);
  if (places.length) {
    const outlines = await askFor(studio, shown, places.map(({ region }) => region), () => outlineLayer(studio, id));
    if (!outlines) return;
    keepOutlines(studio, layer, places.map((place, index) => ({ ...place, outline: outlines[index] })));
    if (!outlines.some(Boolean)) return;
  }
  studio.changeLayers((layers) => {
    const others = (layers.outlined ?? []).filter((one) => one !== id);
    return { ...layers, outlined: layer.outlined ? others : [...others, id] };
  });
}

/**
 * Puts outlines in the place of the boxes, points and scribbles that a person has marked.
 *
 * @param {Studio} studio
 */
export async function outlineMarked(studio) {
  const { conversation: { shown }, draft: { regions } } = studio.store.get();
  if (!shown || !regions.length) return;
  const outlines = await askFor(studio, shown, regions, () => outlineMarked(studio));
  // Meanwhile, others may have been marked.
  if (outlines && studio.store.get().draft.regions === regions) studio.setRegions(regions.map((region, index) => outlines[index] ?? region));
}

/**
 * The regions of a layer that have no outline yet, where they stand in its answer.
 *
 * @param {Studio} studio
 * @param {Layer} layer
 */
function placesWithout(studio, layer) {
  const answer = studio.store.get().conversation.turns.flatMap(({ answers }) => answers).find(({ id }) => id === layer.answer);
  return layer.mentions.flatMap(({ index }) => (answer?.mentions[index].regions ?? [])
    .map((region, at) => ({ index, at, region })).filter(({ region }) => !region.polygon && !region.outline));
}

/**
 * @param {Studio} studio
 * @param {Layer} layer
 * @param {{index: number, at: number, outline: Region | null}[]} places
 */
function keepOutlines(studio, layer, places) {
  const found = new Map(places.map(({ index, at, outline }) => [`${index} ${at}`, outline]));
  const now = Date.now();
  studio.store.update((state) => ({
    ...state,
    conversation: changeAnswer(state.conversation, layer.turn, layer.answer, (answer) => ({
      ...answer,
      mentions: answer.mentions.map((mention, index) => ({
        ...mention,
        regions: mention.regions.map((region, at) => ({ ...region, ...(found.get(`${index} ${at}`) && { outline: found.get(`${index} ${at}`) ?? undefined }) })),
      })),
    }), now),
  }));
}

/**
 * Asks the server for outlines, and says how that goes; null: there are none, and it was said why.
 *
 * @param {Studio} studio
 * @param {string} picture
 * @param {Region[]} regions
 * @param {() => Promise<void>} again what to do once the model is there
 * @returns {Promise<(Region | null)[] | null>}
 */
async function askFor(studio, picture, regions, again) {
  studio.notify({ id: "outline", text: message("Outlining…") });
  try {
    const { outlines, needs } = await withPictures(studio, [picture], ([image]) => call("studio_outline", [{ image, regions: regions.map(bare) }]));
    if (needs) {
      offerToLoad(studio, needs, again);
      return null;
    }
    const missed = outlines.filter((/** @type {Region | null} */ one) => !one).length;
    if (missed) studio.notify({ id: "outline", text: { words: "{missed} of {count} could not be outlined: what was found there stays as it was.", values: { missed, count: outlines.length } } });
    else studio.dismiss("outline");
    return outlines;
  } catch (error) {
    studio.dismiss("outline");
    studio.report(error);
    return null;
  }
}

/**
 * @param {Studio} studio
 * @param {{name: string, title: string, size: string}} model
 * @param {() => Promise<void>} again
 */
function offerToLoad(studio, { name, title, size }, again) {
  const load = async () => {
    studio.notify({ id: "outline", text: { words: message("Loading {title}…"), values: { title } } });
    try {
      await studio.loadModel(name);
      await again();
    } catch (error) {
      studio.dismiss("outline");
      studio.report(error);
    }
  };
  studio.notify({
    id: "outline", text: { words: message("Outlines need {title} ({size}), which is not on this computer."), values: { title, size } },
    action: { label: message("Load it"), run: () => void load() },
  });
}
