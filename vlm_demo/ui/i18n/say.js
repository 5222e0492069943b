// The texts of the page in its language, which the first HTML says. The English text is the key.

/** @typedef {Record<string, string | number>} Values */

/**
 * Fills the {blanks} of a template. {name|say} stands for a value that is one of our own texts, and is translated too.
 * @param {string} template
 * @param {Values} values
 * @param {Record<string, string>} catalogue
 * @returns {string}
 */
export function fill(template, values, catalogue) {
  return template.replace(/\{(\w+)(\|say)?\}/g, (blank, name, isOurs) => {
    if (!Object.hasOwn(values, name)) return blank;
    const value = String(values[name]);
    return isOurs ? translate(value, catalogue) : value;
  });
}

/** @param {string} text @param {Record<string, string>} catalogue */
const translate = (text, catalogue) => (Object.hasOwn(catalogue, text) ? catalogue[text] : text);

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
 * @param {string} template English text, with {blanks} for values
 * @param {Values} [values]
 * @returns {string}
 */
export function say(template, values = {}) {
  return fill(translate(template, catalogue), values, catalogue);
}

/**
 * Marks a text that is translated where it is shown.
 * @param {string} text English
 * @returns {string} the same
 */
export const message = (text) => text;
