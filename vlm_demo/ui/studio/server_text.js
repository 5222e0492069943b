// Texts of the server in the language of the page.
import { titleOf } from "../header/models/titles.js";
import { say } from "../i18n/say.js";

/** @typedef {import("./state/types.js").ServerText} ServerText */

/**
 * Translates a text; models in it, which the server calls by their names, get their titles.
 * @param {ServerText | null | undefined} text
 * @returns {string}
 */
export const translate = (text) => (text ? say(withTitles(text)) : "");

/**
 * @param {ServerText} text
 * @returns {ServerText}
 */
function withTitles(text) {
  if (typeof text === "string") return text;
  const values = Object.entries(text.values ?? {}).map(([name, value]) => [name, typeof value === "object" ? withTitles(value) : titleOf(value)]);
  return { words: text.words, values: Object.fromEntries(values) };
}
