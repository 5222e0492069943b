// Pages, pictures and times that an answer names: found in its text, and made into buttons that show them.
import { h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { kindOf, rootOf } from "../strip/entries.js";
import { nearestFrame } from "../strip/times.js";

/** @typedef {import("../state/types.js").Picture} Picture */
/** @typedef {{start: number, end: number, kind: "page" | "picture" | "frame" | "time", number: number}} Citation `number`: from 1, or seconds */

/** @type {[kind: "page" | "picture" | "frame", words: RegExp][]} */
const NUMBERED = [
  ["page", /\b(?:pages?|pp?\.)\s*(\d{1,5})\b|第\s*(\d{1,5})\s*(?:ページ|頁|页)|(\d{1,5})\s*(?:ページ|頁目?)/giu],
  ["picture", /\b(?:pictures?|images?|photos?)\s+#?(\d{1,3})\b|(?:画像|写真|图片|图像|照片|图)\s*(\d{1,3})(?!\d)|(?:第\s*)?(\d{1,3})\s*(?:枚目|张(?:图|照片)?)/giu],
  ["frame", /\bframes?\s+#?(\d{1,5})\b|(?:フレーム|帧)\s*(\d{1,5})|第\s*(\d{1,5})\s*(?:フレーム|帧)/giu],
];
const CLOCK = /\b(?:(\d{1,2}):)?(\d{1,2}):(\d{2}(?:\.\d+)?)\b/gu;
const SECONDS = /(?:(\d{1,3})\s*(?:分|minutes?\b|min\b)\s*)?(\d{1,4}(?:\.\d+)?)\s*(?:s\b|sec\b|seconds?\b|秒)/giu;

/**
 * Finds what a text names, in order; nothing is found twice.
 * @param {string} text
 * @returns {Citation[]}
 */
export function findCitations(text) {
  // Digits of Japanese and Chinese keyboards.
  const plain = text.replace(/[０-９]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xfee0));
  /** @type {Citation[]} */
  const found = [];
  const add = (/** @type {Citation["kind"]} */ kind, /** @type {RegExpMatchArray} */ match, /** @type {number} */ number) => {
    const start = match.index ?? 0, end = start + match[0].length;
    if (!found.some((one) => start < one.end && one.start < end)) found.push({ start, end, kind, number });
  };
  for (const [kind, words] of NUMBERED) for (const match of plain.matchAll(words)) add(kind, match, Number(match.slice(1).find(Boolean)));
  for (const match of plain.matchAll(CLOCK)) add("time", match, Number(match[1] ?? 0) * 3600 + Number(match[2]) * 60 + Number(match[3]));
  for (const match of plain.matchAll(SECONDS)) add("time", match, Number(match[1] ?? 0) * 60 + Number(match[2]));
  return found.sort((one, other) => one.start - other.start);
}

/**
 * The picture that a citation leads to.
 * @param {Citation} citation
 * @param {readonly string[]} keys of the pictures of the answer, in order
 * @param {readonly Picture[]} pictures of the conversation
 * @returns {{root: string, frame: number} | null} null: there is none
 */
export function resolveCitation({ kind, number }, keys, pictures) {
  const byKey = new Map(pictures.map((one) => [one.key, one])), seen = keys.map((key) => byKey.get(key)).filter((one) => one !== undefined);
  const files = seen.map((one) => byKey.get(rootOf(one))).filter((one) => one !== undefined && one.frames > 1);
  const place = (/** @type {Picture | undefined} */ file, /** @type {number} */ frame) => (file && frame >= 0 && frame < file.frames ? { root: file.key, frame } : null);
  if (kind === "page") return place(files.find((file) => file && kindOf(file) === "document"), number - 1);
  if (kind === "time") {
    const film = files.find((file) => file?.times?.length), times = film?.times ?? [];
    return number <= (times.at(-1) ?? -1) + 5 ? place(film, nearestFrame(times, number)) : null;
  }
  const picture = seen.length > 1 ? seen[number - 1] : undefined;
  return picture ? { root: rootOf(picture), frame: picture.frame ?? 0 } : null;
}

/**
 * Makes buttons of what a part of an answer names.
 * @param {Element} part
 * @param {(citation: Citation) => (() => void) | null} show what shows it; null: there is nothing to show
 */
export function linkCitations(part, show) {
  const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
  /** @type {Text[]} */
  const texts = [];
  while (walker.nextNode()) texts.push(/** @type {Text} */ (walker.currentNode));
  for (const node of texts) {
    if (node.parentElement?.closest("a, button, mark, code, pre, math")) continue;
    for (const citation of findCitations(node.data).reverse()) {
      const act = show(citation);
      if (!act) continue;
      const rest = node.splitText(citation.start);
      rest.splitText(citation.end - citation.start);
      rest.replaceWith(h("button", { type: "button", class: "citation", title: say("Show on the canvas"), onclick: act }, rest.data));
    }
  }
}
