// Texts of the server in the language of the page.
import { say } from "../i18n/say.js";

/** @typedef {import("./state/types.js").ServerText} ServerText */

/**
 * @param {ServerText | null | undefined} text
 * @returns {string}
 */
export function translate(text) {
  if (!text) return "";
  return typeof text === "string" ? say(text) : say(text.words, text.values ?? {});
}
