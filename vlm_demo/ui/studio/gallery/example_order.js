// In which order examples are shown.

/**
 * Puts examples first that have requests of their own in a language; others are asked in English.
 *
 * @template {{words: Record<string, unknown>}} Example
 * @param {readonly Example[]} examples
 * @param {string} tag of the language
 * @returns {Example[]}
 */
export function putOwnFirst(examples, tag) {
  const isOwn = (/** @type {Example} */ { words }) => tag === "en" || JSON.stringify(words[tag]) !== JSON.stringify(words.en);
  return [...examples.filter(isOwn), ...examples.filter((one) => !isOwn(one))];
}
