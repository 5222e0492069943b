// The texts of the page in its language, which the first HTML says. The English text is the key.

/**
 * A text of the server: a template alone, or with what fills its blanks.
 * @typedef {string | {words: string, values?: Values}} Text
 * @typedef {{[name: string]: string | number | Text}} Values
 */

/**
 * @param {Text} text
 * @param {Values} values what fills the {blanks}; a value that is a text itself is translated too
 * @param {Record<string, string>} catalogue
 * @returns {string}
 */
export function fill(text, values, catalogue) {
  if (typeof text !== "string") return fill(text.words, text.values ?? {}, catalogue);
  const template = Object.hasOwn(catalogue, text) ? catalogue[text] : text;
  return template.replace(/\{(\w+)\}/g, (blank, name) => {
    if (!Object.hasOwn(values, name)) return blank;
    const value = values[name];
    return typeof value === "object" ? fill(value, {}, catalogue) : String(value);
  });
}

/** @returns {string} the page's language, as its catalogue is named; "en" has none */
export const language = () => (globalThis.document?.documentElement.lang ?? "").split("-")[0] || "en";

/** @returns {Promise<Record<string, string>>} translations by English text; without a connection the page is English */
async function load() {
  if (language() === "en") return {};
  try {
    const answer = await fetch(new URL(`${language()}.json`, import.meta.url));
    return answer.ok ? await answer.json() : {};
  } catch {
    return {};
  }
}

const catalogue = await load();

/**
 * Returns a text in the page's language.
 * @param {Text} text English, with {blanks} for values
 * @param {Values} [values]
 * @returns {string}
 */
export const say = (text, values = {}) => fill(text, values, catalogue);

/**
 * Marks a text that is translated where it is shown.
 * @param {string} text English
 * @returns {string} the same
 */
export const message = (text) => text;
