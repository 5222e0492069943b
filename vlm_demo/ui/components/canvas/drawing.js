// Regions as SVG.

import { svg } from "../dom.js";
import { ringsOf } from "./geometry/regions.js";

/** @import { Place, Region } from "./types.js" */

/** @param {number} fraction */
export const percent = (fraction) => `${(fraction * 100).toFixed(3)}%`;

/**
 * Draw a region (class box, outline or point) with an edge that keeps it visible on any picture.
 *
 * @param {Region} region
 * @param {string} [colour]
 * @param {readonly number[]} [dash] in widths of the line
 * @returns {SVGElement[]}
 */
export function drawRegion(region, colour = "none", dash = []) {
  const paint = {
    stroke: colour,
    fill: colour,
    style: dash.length ? { "stroke-dasharray": dash.map((length) => `calc(var(--line) * ${length})`).join(" ") } : {},
  };
  if (region.box) {
    const [x1, y1, x2, y2] = region.box;
    const at = { x: percent(x1), y: percent(y1), width: percent(x2 - x1), height: percent(y2 - y1) };
    return [svg("rect", { ...at, class: "edge" }), svg("rect", { ...at, ...paint, class: "box" })];
  }
  if (region.point) {
    const at = { cx: percent(region.point[0]), cy: percent(region.point[1]) };
    return [svg("circle", { ...at, class: "edge" }), svg("circle", { ...at, fill: colour, class: "point" })];
  }
  return [drawPolygon(ringsOf(region), paint)];
}

/**
 * @param {Place[][]} rings
 * @param {Record<string, any>} paint
 */
function drawPolygon(rings, paint) {
  const d = rings.map((ring) => `M${ring.map(([x, y]) => `${x * 100},${y * 100}`).join(" ")}Z`).join("");
  return svg(
    "svg",
    { viewBox: "0 0 100 100", preserveAspectRatio: "none", width: "100%", height: "100%" },
    svg("path", { d, class: "edge" }),
    svg("path", { d, ...paint, "fill-rule": "evenodd", class: "outline" }),
  );
}
