// What a pointer that is held down does to a region, or draws, and what an arrow key does.

import { boundsOf, boxBetween, clamp, fitRegion, moveRegion, resizeRegion, simplifyLine } from "../geometry/regions.js";

/** @import { Place, Region, Size, Tool } from "../types.js" */

/**
 * @typedef {object} Drag
 * @property {Tool | "move" | "resize"} kind
 * @property {Place} at where it began, on the picture
 * @property {Place} pixel where it began, on the screen
 * @property {boolean} moved more than a click
 * @property {Place[]} line all places so far, of a scribble
 * @property {Region} [region] the region that it moves or resizes, as it was
 * @property {number} [handle]
 */

/** Pixels of the screen; less is a click. */
export const LEAST_DRAG = 4;

const NUDGE = 0.01; // by an arrow key, of the picture's side
const STRAIGHT = 1.5; // pixels that a scribble's line may be off what was drawn

/**
 * The nearest place on the picture.
 *
 * @param {Place} place
 * @returns {Place}
 */
export const inside = ([x, y]) => [clamp(x), clamp(y)];

/** @param {Place} place */
export const isOnPicture = (place) => place.every((fraction) => fraction >= 0 && fraction <= 1);

/**
 * The region that a drag draws so far; null: nothing that has an area.
 *
 * @param {Drag} drag a scribble's line grows
 * @param {Place} place where it is now
 * @returns {Region | null}
 */
export function draftOf(drag, place) {
  if (drag.kind === "box") return boxBetween(drag.at, place);
  if (drag.kind !== "scribble") return null;
  drag.line.push(place);
  return drag.line.length > 2 ? { polygon: drag.line } : null;
}

/**
 * The region that is moved or resized, as it is now.
 *
 * @param {Drag} drag of a region
 * @param {Place} at where it is now; it may be off the picture
 * @param {Size} size in which the picture is shown
 * @returns {Region}
 */
export function applyDrag({ kind, at: start, region, handle = 0 }, at, [width, height]) {
  if (!region) throw new TypeError("No region is dragged.");
  if (kind === "move") return moveRegion(region, at[0] - start[0], at[1] - start[1]);
  return resizeRegion(region, handle, inside(at), [LEAST_DRAG / width, LEAST_DRAG / height]);
}

/**
 * A scribble with no more corners than it needs.
 *
 * @param {Place[]} polygon
 * @param {Size} size in which the picture is shown
 * @returns {Region}
 */
export function smoothLine(polygon, [width, height]) {
  const line = simplifyLine(polygon.map(([x, y]) => [x * width, y * height]), STRAIGHT);
  /** @type {Place[]} */
  const fewer = line.map(([x, y]) => [x / width, y / height]);
  return { polygon: fewer.length > 2 ? fewer : [...fewer, polygon[Math.floor(polygon.length / 2)]] };
}

/**
 * Move a region by one step of an arrow key, or resize it at its lower right corner.
 *
 * @param {Region} region
 * @param {Place} direction
 * @param {boolean} resizes
 */
export function nudgeRegion(region, [across, down], resizes) {
  if (!resizes || region.point) return moveRegion(region, across * NUDGE, down * NUDGE);
  const [x1, y1, x2, y2] = boundsOf(region);
  const right = clamp(Math.max(x1 + NUDGE, x2 + across * NUDGE));
  const bottom = clamp(Math.max(y1 + NUDGE, y2 + down * NUDGE));
  return fitRegion(region, [x1, y1, right, bottom]);
}
