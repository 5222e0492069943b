import { say } from "../../../i18n/say.js";

/** @import { Bounds } from "../types.js" */

/**
 * What is wrong with coordinates that somebody typed; empty: nothing.
 *
 * @param {Bounds} bounds fractions of the picture
 * @param {boolean} isPoint
 * @param {{width: number, height: number}} picture
 */
export function troubleWith(bounds, isPoint, { width, height }) {
  if (!bounds.every(Number.isFinite)) return say("Enter a number of pixels.");
  if (bounds.some((edge) => edge < 0 || edge > 1))
    {return say("This lies outside the image, which has {width} × {height} pixels.", { width, height });}
  if (!isPoint && (bounds[2] <= bounds[0] || bounds[3] <= bounds[1]))
    {return say("This region has no area: x2 must be greater than x1, and y2 greater than y1.");}
  return "";
}
