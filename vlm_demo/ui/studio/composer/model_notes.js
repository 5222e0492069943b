// What a small model does not know, said before it answers, with a way out.
import { message } from "../../i18n/say.js";
import { imageKindOf } from "./image_kind.js";

/** @typedef {{text: string, values: Record<string, string>, remedies: {model: string, label: string, values: Record<string, string>}[]}} Note */

/** Languages, by their English names, by the letters that only they use. @type {[language: string, letters: RegExp][]} */
const SCRIPTS = [
  [message("Japanese"), /[\u3040-\u30ff]/], [message("Chinese"), /[\u4e00-\u9fff]/], [message("Korean"), /[\uac00-\ud7af]/], [message("Russian"), /[\u0400-\u04ff]/],
  [message("Arabic"), /[\u0600-\u06ff]/], [message("Hindi"), /[\u0900-\u097f]/],
];

/**
 * The language that a text is surely not English for.
 * @param {string} text
 * @returns {string | null}
 */
export const languageOf = (text) => SCRIPTS.find(([, letters]) => letters.test(text))?.[0] ?? null;

/**
 * @param {{model: any, models: any[], examples?: {id: string, kind: string}[], task: string, shown: import("../state/types.js").Picture | null, draft: import("../state/types.js").Draft, turns: number}} state
 * @returns {Note[]}
 */
export function findNotes({ model, models: all, examples = [], task, shown, draft, turns }) {
  if (!model) return [];
  const models = all.filter((one) => one.can?.[task] === true && one.name !== model.name);
  const notes = [], title = model.title ?? model.name;
  // It is said before the first answer.
  const kind = imageKindOf(shown, examples);
  if (shown && !turns && kind !== model.made_for && model.made_for === "photograph" && kind) {
    notes.push({ text: message("{model} is made for photographs, which this image does not seem to be."), values: { model: title }, remedies: offer(models, (one) => !one.made_for || one.made_for === kind) });
  }
  if (shown && kind !== "drawn scene" && !turns && model.knows_photos === false) {
    notes.push({ text: message("{model} is a small demo model: it knows the drawn example images, not photographs."), values: { model: title }, remedies: offer(models, (one) => one.knows_photos === true) });
  }
  const language = languageOf([draft.text, ...draft.tags].join(" "));
  if (language && model.languages?.length && !speaks(model, language)) {
    notes.push({ text: message("{model} was not trained on {language}."), values: { model: title, language }, remedies: offer(models, (one) => one.languages?.length > 0 && speaks(one, language)) });
  }
  // The small ones have only learned to describe a region.
  if (draft.regions.length && model.knows_photos === false && task !== "describe_region") {
    notes.push({ text: message("{model} does not understand marked regions."), values: { model: title }, remedies: offer(models, (one) => one.knows_photos && one.writes_regions) });
  }
  return notes;
}

/**
 * Chinese characters alone may be Japanese too; a model for many languages says so without naming them.
 * @param {any} model
 * @param {string} language
 */
const speaks = (model, language) => model.languages.some((/** @type {string} */ one) => (
  one === language || one.toLowerCase().startsWith("multilingual") || (language === "Chinese" && one === "Japanese")));

/**
 * Offers the model nearest at hand that can be used now.
 * @param {any[]} models
 * @param {(model: any) => boolean} knows
 */
function offer(models, knows) {
  const able = models.filter((one) => knows(one) && one.group !== "elsewhere" && !one.obstacle);
  const fetchable = able.filter(({ gigabytes }) => gigabytes).sort((one, other) => one.gigabytes - other.gigabytes);
  const best = able.find(({ loaded }) => loaded) ?? able.find(({ group }) => group === "here" || group === "servers") ?? fetchable[0];
  if (!best) return [];
  const size = best.gigabytes ? best.gigabytes.toFixed(1) : "";
  const fetched = !best.loaded && best.group === "fits" && size;
  return [{ model: best.name, label: fetched ? message("Use {model} ({size} GB)") : message("Use {model}"), values: { model: best.title ?? best.name, size } }];
}
