// A model's own text, with the places marked that were read as coordinates.
import { h } from "../../components/dom.js";

/**
 * @param {string} text
 * @param {[from: number, to: number][]} spans in characters, as Python counts them
 */
export function rawText(text, spans) {
  const letters = [...text], parts = [];
  let at = 0;
  for (const [from, to] of [...spans].sort((one, other) => one[0] - other[0])) {
    if (from < at || to > letters.length) continue;
    parts.push(letters.slice(at, from).join(""), h("mark", { class: "read" }, letters.slice(from, to).join("")));
    at = to;
  }
  parts.push(letters.slice(at).join(""));
  return h("pre", { tabindex: 0, dir: "auto" }, ...parts);
}
