// Texts of the server in the language of the page.
import { titleOf } from "../header/models/titles.js";
import { say } from "../i18n/say.js";

/** @typedef {import("./state/types.js").ServerText} ServerText */

/**
 * Translates a text; models in it, which the server calls by their names, get their titles.
 * @param {ServerText | null | undefined} text
 * @returns {string}
 */
export function translate(text) {
  if (!text) return "";
  if (typeof text === "string") return say(text);
  return say(text.words, Object.fromEntries(Object.entries(text.values ?? {}).map(([name, value]) => [name, titleOf(value)])));
}
