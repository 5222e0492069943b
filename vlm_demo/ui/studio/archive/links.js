// Links to a question: they fill the composer, and ask at once where the picture is known.
import { emptyDraft, modeOf } from "../composer/modes.js";
import { changeOption, OPTIONS } from "../composer/option_values.js";
import { call } from "../api/call.js";

/** @typedef {import("../studio.js").Studio} Studio */

/** Parameter of an address that holds a link; those of the page before Studio had the same. */
export const LINK = "ask";

/**
 * Opens the link of the page's address, if it is one.
 * @param {Studio} studio
 */
export async function openLink(studio) {
  const url = new URL(location.href), code = url.searchParams.get(LINK);
  if (!code) return;
  // It is opened once: a reload shows what has come of it.
  url.searchParams.delete(LINK);
  history.replaceState(null, "", url);
  try {
    const link = await call("studio_permalink", ["decode", code]);
    if (link.runs_here) studio.chooseModel(link.model);
    studio.changeDraft((draft) => ({ ...draft, ...draftOfLink(link, studio.model(link.model)?.sampling) }));
    link.notes?.forEach((/** @type {any} */ text, /** @type {number} */ index) => studio.notify({ id: `link-${index}`, text }));
    const example = studio.store.get().start?.examples.find((/** @type {any} */ one) => one.id === link.example);
    if (example) {
      studio.pictures.addExample(example, example.title.en ?? example.id);
      studio.setRegions(link.regions);
      await studio.asking.send();
    } else studio.focusComposer();
  } catch (error) {
    studio.report(error);
  }
}

/**
 * What the composer holds for a link.
 * @param {any} link
 * @param {Record<string, any>} [own] sampling of its model: what is the same is no change
 */
export function draftOfLink({ task, text, targets = [], regions = [], region_form: form, choices = [], pattern, schema, sampling = {} }, own = {}) {
  /** @type {import("../state/types.js").Options} */
  let options = {};
  const known = new Set(OPTIONS.map((option) => /** @type {string} */ (option.name)));
  const changed = Object.entries(sampling).filter(([name, value]) => known.has(name) && value !== own[name]);
  const given = { ...Object.fromEntries(changed), choices, pattern, schema, region_form: form === "words" ? "" : form };
  for (const [name, value] of Object.entries(given)) options = changeOption(options, name, value);
  return { ...emptyDraft(), ...modeOf({ task, text }), text: targets.length ? "" : text, tags: targets, regions, options };
}
