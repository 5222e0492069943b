// What models are called on the page; their names stay what they are chosen by.
import { say } from "../../i18n/say.js";

/** Titles, in the language of the page, by name. @type {Map<string, string>} */
const titles = new Map();

/**
 * Puts the titles of a list of the server into the language of the page, and remembers them.
 * @template {{name: string, title: string}} Model
 * @param {Model[]} list
 * @returns {Model[]}
 */
export const withTitles = (list) => list.map((model) => {
  const title = say(model.title);
  titles.set(model.name, title);
  return { ...model, title };
});

/**
 * What people read in place of a model's name; what is no such name stays as it is.
 * @template Value
 * @param {Value} name
 * @returns {Value | string}
 */
export const titleOf = (name) => titles.get(/** @type {any} */ (name)) ?? name;
