// Words that no line holds, such as encoded data: a browser shapes the rest of one anew at each line's end.

/** Characters without a space from which on lines are made without kerning. */
const LONG = /\S{2000}/;

/**
 * Has the browser lay out a text without kerning while it has an endless word: with it, the work
 * grows with the square of the word's length, and a page stands still for minutes.
 * @param {Element} element whose text it is
 * @param {string} text
 */
export function easeLongWords(element, text) {
  element.classList.toggle("long-words", LONG.test(text));
}
