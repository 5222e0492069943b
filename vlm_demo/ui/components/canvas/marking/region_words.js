import { say } from "../../../i18n/say.js";
import { boundsOf } from "../geometry/regions.js";

/** @import { EditKind } from "./region_editor.js" */
/** @import { Bounds, Region } from "../types.js" */

/**
 * Bounds of a region in pixels of the picture.
 *
 * @param {Region} region
 * @param {{width: number, height: number}} picture
 * @returns {Bounds}
 */
export function pixelBounds(region, { width, height }) {
  const [x1, y1, x2, y2] = boundsOf(region);
  return [Math.round(x1 * width), Math.round(y1 * height), Math.round(x2 * width), Math.round(y2 * height)];
}

/**
 * A marked region in words, for those who do not see it.
 *
 * @param {Region} region
 * @param {number} number from 1
 * @param {{width: number, height: number}} picture
 */
export function describeRegion(region, number, picture) {
  const [x1, y1, x2, y2] = pixelBounds(region, picture);
  if (region.point) return say("Region {number}: point at {x1}, {y1}", { number, x1, y1 });
  return region.box
    ? say("Region {number}: box from {x1}, {y1} to {x2}, {y2}", { number, x1, y1, x2, y2 })
    : say("Region {number}: scribble within {x1}, {y1} to {x2}, {y2}", { number, x1, y1, x2, y2 });
}

/**
 * What a person did to the regions, or why it could not be done.
 *
 * @param {EditKind} kind
 * @param {number} index of the region, from 0
 * @param {readonly Region[]} regions those that are there now
 * @param {{width: number, height: number}} picture
 */
export function describeEdit(kind, index, regions, picture) {
  const number = index + 1;
  if (kind === "full") return say("There are already {n} regions. Delete one first.", { n: regions.length });
  if (kind === "empty") return say("This region has no area. Draw a larger one.");
  if (kind === "deleted") return say("Region {number} deleted.", { number });
  if (kind === "cleared") return say("All regions deleted.");
  if (kind === "undone") return say("Undone: {n} regions are marked now.", { n: regions.length });
  return describeRegion(regions[index], number, picture);
}
