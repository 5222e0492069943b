// Regions as numbers: bounds, distances, moving and resizing. Nothing here knows of the page.

/** @import { Bounds, Place, Region, Size } from "../types.js" */

/**
 * @param {number} value
 * @param {number} [most]
 */
export const clamp = (value, most = 1) => Math.min(most, Math.max(0, value));

/**
 * @param {Region} region
 * @returns {Bounds}
 */
export function boundsOf(region) {
  if (region.box) return region.box;
  const points = region.point ? [region.point] : ringsOf(region).flat();
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/**
 * The outline of a polygon, and its further rings.
 *
 * @param {import("../types.js").PolygonRegion} region
 */
export const ringsOf = ({ polygon, further_rings: further = [] }) => [polygon, ...further];

/** @param {Bounds} bounds */
export const areaOf = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);

/**
 * Scale a region into other bounds.
 *
 * @param {Region} region
 * @param {Bounds} bounds
 * @returns {Region}
 */
export function fitRegion(region, [x1, y1, x2, y2]) {
  if (region.box) return { box: [x1, y1, x2, y2] };
  if (region.point) return { point: [x1, y1] };
  const [left, top, right, bottom] = boundsOf(region);
  /** @type {(value: number, from: number, to: number, low: number, high: number) => number} */
  const scale = (value, from, to, low, high) => low + (to > from ? (value - from) / (to - from) : 0) * (high - low);
  /** @type {(ring: Place[]) => Place[]} */
  const fit = (ring) => ring.map(([x, y]) => [scale(x, left, right, x1, x2), scale(y, top, bottom, y1, y2)]);
  const further = region.further_rings?.map(fit);
  return { polygon: fit(region.polygon), ...(further && { further_rings: further }) };
}

/**
 * Move a region; it stops at the edge of the picture with its size unchanged.
 *
 * @param {Region} region
 * @param {number} across
 * @param {number} down
 */
export function moveRegion(region, across, down) {
  const [x1, y1, x2, y2] = boundsOf(region);
  const dx = Math.max(-x1, Math.min(across, 1 - x2));
  const dy = Math.max(-y1, Math.min(down, 1 - y2));
  return fitRegion(region, [x1 + dx, y1 + dy, x2 + dx, y2 + dy]);
}

/**
 * Where the eight handles of a region are, clockwise from the upper left corner; a point has none.
 *
 * @param {Region} region
 * @returns {Place[]}
 */
export function handlesOf(region) {
  if (region.point) return [];
  const [x1, y1, x2, y2] = boundsOf(region);
  const x = (x1 + x2) / 2;
  const y = (y1 + y2) / 2;
  return [[x1, y1], [x, y1], [x2, y1], [x2, y], [x2, y2], [x, y2], [x1, y2], [x1, y]];
}

/**
 * Drag one handle to a place; the opposite side or corner stays, and the region keeps a least size.
 *
 * @param {Region} region
 * @param {number} handle its place in `handlesOf`
 * @param {Place} place
 * @param {Place} least fractions of the picture
 */
export function resizeRegion(region, handle, [x, y], least) {
  let [x1, y1, x2, y2] = boundsOf(region);
  if ([0, 6, 7].includes(handle)) x1 = Math.min(x, x2 - least[0]);
  if ([2, 3, 4].includes(handle)) x2 = Math.max(x, x1 + least[0]);
  if ([0, 1, 2].includes(handle)) y1 = Math.min(y, y2 - least[1]);
  if ([4, 5, 6].includes(handle)) y2 = Math.max(y, y1 + least[1]);
  return fitRegion(region, [clamp(x1), clamp(y1), clamp(x2), clamp(y2)]);
}

/**
 * The box between two corners, in whichever order they come.
 *
 * @param {Place} first
 * @param {Place} second
 * @returns {Region}
 */
export const boxBetween = ([ax, ay], [bx, by]) => ({
  box: [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)],
});

/**
 * Distance of a point from the piece of a line between two others.
 *
 * @param {Place} point
 * @param {Place} start
 * @param {Place} end
 */
function distanceToPiece([px, py], [ax, ay], [bx, by]) {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  const along = length ? clamp(((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length) : 0;
  return Math.hypot(px - ax - along * (bx - ax), py - ay - along * (by - ay));
}

/**
 * @param {Exclude<Region, {point: Place}>} region
 * @returns {Place[][]}
 */
function cornersOf(region) {
  if (!region.box) return ringsOf(region);
  const [x1, y1, x2, y2] = region.box;
  return [[[x1, y1], [x2, y1], [x2, y2], [x1, y2]]];
}

/**
 * Distance of a place from the line of a region, or from a point, in pixels of a picture shown in `size`.
 *
 * @param {Region} region
 * @param {Place} place
 * @param {Size} size
 */
export function distanceTo(region, place, [width, height]) {
  /** @type {(at: Place) => Place} */
  const inPixels = ([x, y]) => [x * width, y * height];
  const at = inPixels(place);
  if (region.point) {
    const [x, y] = inPixels(region.point);
    return Math.hypot(at[0] - x, at[1] - y);
  }
  const rings = cornersOf(region).map((ring) => ring.map(inPixels));
  return Math.min(...rings.flatMap((ring) => ring.map((corner, index) => distanceToPiece(at, corner, ring[(index + 1) % ring.length]))));
}

/**
 * Tell whether a place is inside a region, by the even-odd rule; nothing is inside a point.
 *
 * @param {Region} region
 * @param {Place} place
 */
export function contains(region, [x, y]) {
  if (region.point) return false;
  return cornersOf(region).reduce((within, ring) => ring.reduce((inside, [ax, ay], index) => {
    const [bx, by] = ring[(index + 1) % ring.length];
    return ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax) ? !inside : inside;
  }, within), false);
}

/**
 * Leave out points of a hand-drawn line, so that none is more than `off` away from it (Douglas and Peucker).
 *
 * @param {Place[]} points
 * @param {number} off
 * @returns {Place[]}
 */
export function simplifyLine(points, off) {
  if (points.length < 3) return points;
  const first = points[0];
  const last = points[points.length - 1];
  let worst = 0;
  let at = 0;
  points.forEach((point, index) => {
    const far = distanceToPiece(point, first, last);
    if (far > worst) [worst, at] = [far, index];
  });
  if (worst <= off) return [first, last];
  return [...simplifyLine(points.slice(0, at + 1), off).slice(0, -1), ...simplifyLine(points.slice(at), off)];
}
