// Lists of things to find: what is written between separators becomes a tag.

/** Separators of every language of the page; between quotation marks, they are part of a name. */
const PARTS = /(?:"[^"\n]*"|“[^”\n]*”|[^,;\n\r，；、])*/y;

/**
 * Cuts a text at its separators.
 * @param {string} text
 * @returns {string[]} at least one
 */
export function cutNames(text) {
  const names = [];
  for (PARTS.lastIndex = 0; ; PARTS.lastIndex += 1) {
    names.push(PARTS.exec(text)?.[0] ?? "");
    if (PARTS.lastIndex >= text.length) return names;
  }
}

/**
 * Adds names to a list; of names that differ only in case, the first stays.
 * @param {string[]} tags
 * @param {string[]} names
 * @returns {string[]}
 */
export function addTags(tags, names) {
  const known = new Set(tags.map(plain)), all = [...tags];
  for (const name of names.map(tidy)) {
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
  const parts = cutNames(text);
  const rest = /** @type {string} */ (parts.pop());
  return parts.length ? { tags: addTags(tags, parts), text: rest.trimStart() } : { tags, text };
}

/**
 * All that is looked for: the tags, and what is in the field.
 * @param {string[]} tags
 * @param {string} text
 */
export const allTags = (tags, text) => addTags(tags, cutNames(text));

/**
 * A name without the quotation marks around it.
 * @param {string} name
 */
const tidy = (name) => name.trim().replace(/^["“](.*)["”]$/s, "$1").trim().replace(/\s+/g, " ");

/** @param {string} name */
const plain = (name) => name.toLowerCase();
