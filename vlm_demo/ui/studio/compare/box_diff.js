// What differs between the boxes of two answers.
import { boundsOf } from "../../components/canvas/geometry/regions.js";

/** @typedef {import("../state/types.js").Answer} Answer */
/** @typedef {{phrase: string, overlap: number | null, side: "both" | "left" | "right"}} Pair */

/** Overlap (IoU) from which two boxes count as one, as in the page's scores. */
export const SAME = 0.5;

/**
 * Pairs the boxes of two answers, those that overlap most first.
 * @param {Answer} left
 * @param {Answer} right
 * @returns {Pair[]}
 */
export function diffBoxes(left, right) {
  const one = boxesOf(left), other = boxesOf(right);
  const pairs = one.flatMap((own, index) => other.map((their, at) => ({ index, at, overlap: overlapOf(own.bounds, their.bounds) }))).filter(({ overlap }) => overlap > 0);
  pairs.sort((first, second) => second.overlap - first.overlap);
  /** @type {Map<number, {at: number, overlap: number}>} */
  const matched = new Map();
  const taken = new Set();
  for (const { index, at, overlap } of pairs) {
    if (matched.has(index) || taken.has(at)) continue;
    matched.set(index, { at, overlap });
    taken.add(at);
  }
  return [
    ...one.map(({ phrase }, index) => ({ phrase, overlap: matched.get(index)?.overlap ?? null, side: /** @type {Pair["side"]} */ (matched.has(index) ? "both" : "left") })),
    ...other.filter((_, at) => !taken.has(at)).map(({ phrase }) => ({ phrase, overlap: null, side: /** @type {Pair["side"]} */ ("right") })),
  ];
}

/** @param {Answer} answer */
const boxesOf = ({ mentions }) => mentions.flatMap(({ phrase, target, regions }) => regions.map((region) => ({ phrase: target || phrase, bounds: boundsOf(/** @type {any} */ (region)) })));

/**
 * Intersection over union of two boxes.
 * @param {readonly number[]} one x1, y1, x2, y2
 * @param {readonly number[]} other
 */
export function overlapOf(one, other) {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0]), height = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  const shared = Math.max(0, width) * Math.max(0, height);
  const area = (/** @type {readonly number[]} */ box) => (box[2] - box[0]) * (box[3] - box[1]);
  const union = area(one) + area(other) - shared;
  return union > 0 ? shared / union : 0;
}
