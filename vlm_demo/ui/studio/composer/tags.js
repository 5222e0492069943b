// Lists of things to find: what is written between separators becomes a tag.

/** Separators of every language of the page. */
const SEPARATORS = /[,;\n\r，；、]/;

/**
 * Adds names to a list; of names that differ only in case, the first stays.
 * @param {string[]} tags
 * @param {string[]} names
 * @returns {string[]}
 */
export function addTags(tags, names) {
  const known = new Set(tags.map(plain)), all = [...tags];
  for (const name of names.map((one) => one.trim().replace(/\s+/g, " "))) {
    if (!name || known.has(plain(name))) continue;
    known.add(plain(name));
    all.push(name);
  }
  return all.length === tags.length ? tags : all;
}

/**
 * Takes the names that a separator ends out of a field.
 * @param {string[]} tags
 * @param {string} text of the field
 * @returns {{tags: string[], text: string}} `text`: what stays in the field
 */
export function takeTags(tags, text) {
  const parts = text.split(SEPARATORS);
  const rest = /** @type {string} */ (parts.pop());
  return parts.length ? { tags: addTags(tags, parts), text: rest.trimStart() } : { tags, text };
}

/**
 * All that is looked for: the tags, and what is in the field.
 * @param {string[]} tags
 * @param {string} text
 */
export const allTags = (tags, text) => addTags(tags, text.split(SEPARATORS));

/** @param {string} name */
const plain = (name) => name.toLowerCase();
