// Texts of the server in the language of the page.
import { say } from "../i18n/say.js";

/** @typedef {import("./state/types.js").Told} Told */

/**
 * @param {Told | null | undefined} told
 * @returns {string}
 */
export function tell(told) {
  if (!told) return "";
  return typeof told === "string" ? say(told) : say(told.words, told.values ?? {});
}
