// What is under a pointer.

import { areaOf, boundsOf, contains, distanceTo, handlesOf } from "./regions.js";

/** @import { Place, Region, Size } from "../types.js" */

const NEAR_LINE = 4; // pixels of the screen
const NEAR_POINT = 12;

/**
 * Return the owner of the smallest region at a place, so that a thing on another one can be reached; null: none is.
 *
 * @template Owner
 * @param {Iterable<[Owner, readonly Region[]]>} owned regions with their owners
 * @param {Place} place
 * @param {Size} size in which the picture is shown
 * @returns {Owner | null}
 */
export function ownerAt(owned, place, size) {
  /** @type {Owner | null} */
  let best = null;
  let least = Infinity;
  for (const [owner, regions] of owned)
    {for (const region of regions) {
      const area = areaOf(boundsOf(region));
      const reach = region.point ? NEAR_POINT : NEAR_LINE;
      if (area < least && (contains(region, place) || distanceTo(region, place, size) < reach)) [best, least] = [owner, area];
    }}
  return best;
}

/**
 * Return which region's line is within reach of a place, or -1.
 *
 * @param {readonly Region[]} regions
 * @param {Place} place
 * @param {Size} size
 * @param {number} reach in pixels of the screen
 */
export function regionNear(regions, place, size, reach) {
  return nearest(regions.map((region) => distanceTo(region, place, size)), reach);
}

/**
 * Return which handle of a region is within reach of a place, or -1.
 *
 * @param {Region} region
 * @param {Place} place
 * @param {Size} size
 * @param {number} reach in pixels of the screen
 */
export function handleNear(region, [x, y], [width, height], reach) {
  return nearest(handlesOf(region).map(([hx, hy]) => Math.hypot((hx - x) * width, (hy - y) * height)), reach);
}

/**
 * @param {number[]} distances
 * @param {number} reach
 */
function nearest(distances, reach) {
  const least = Math.min(...distances);
  return least <= reach ? distances.indexOf(least) : -1;
}
