// The boxes in which several answers agree, as an answer of its own beside them, so that they are a layer.
import { newAnswer } from "../state/answers.js";

/** @typedef {import("../state/types.js").Answer} Answer */
/** @typedef {{phrase: string, seen_by: number[], box: number[], iou: number | null}} Group boxes of one thing, by index of answer */

/** Of so many answers a box must be a part, to be merged. */
export const LEAST_SEEN = 2;

/**
 * Makes an answer of the boxes that at least two answers have.
 * @param {Answer[]} answers those that were compared
 * @param {Group[]} groups
 * @param {string} id
 * @param {number} now
 * @returns {Answer | null} null: they agree in none
 */
export function mergeBoxes(answers, groups, id, now) {
  const shared = groups.filter(({ seen_by: seen }) => new Set(seen).size >= LEAST_SEEN);
  if (!shared.length) return null;
  const [{ pictures, mentions }] = answers, image = mentions[0]?.image ?? 0;
  /** @type {Map<string, {box: number[]}[]>} */
  const byPhrase = new Map();
  for (const { phrase, box } of shared) byPhrase.set(phrase, [...byPhrase.get(phrase) ?? [], { box }]);
  const merged = [...byPhrase].map(([phrase, regions]) => ({ phrase, target: phrase, span: null, image, colour: "", dash: [], confidence: null, kind: null, regions }));
  return { ...newAnswer(id, "", now, pictures), status: "done", merged: true, mentions: merged, things: merged.map(({ phrase, regions }, mention) => ({ name: phrase, state: "found", count: regions.length, mention })) };
}
