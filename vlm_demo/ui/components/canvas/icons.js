// Pictures on buttons, 20 by 20, drawn in the colour of the text.

import { svg } from "../dom.js";

const PATHS = {
  box: "M3.5 5h13v10h-13z",
  point: "M10 2.5v4.5M10 13v4.5M2.5 10H7M13 10h4.5M10 9.5v1M9.5 10h1",
  scribble: "M3 13.5c1.800-8 5.600-8.600 5-4s1.600 6 3.400 1.600S15.400 7 17 10",
  undo: "M7.5 4.5 4 8l3.5 3.5M4.5 8h7a4 4 0 0 1 0 8H8",
  in: "M10 4.5v11M4.5 10h11",
  out: "M4.5 10h11",
  fit: "M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4",
  table: "M3.5 4.5h13v11h-13zM3.5 8.200h13M3.5 11.900h13M8 8.200v7.300",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.600l.7-10M8.5 9v4.5M11.5 9v4.5",
  close: "m5 5 10 10M15 5 5 15",
  eye: "M2.5 10c2-3.600 4.600-5.300 7.5-5.300s5.5 1.700 7.5 5.300c-2 3.600-4.600 5.300-7.5 5.300S4.5 13.600 2.5 10zM10 7.700a2.300 2.300 0 1 0 0 4.600 2.300 2.300 0 0 0 0-4.600z",
  hidden: "M2.5 10c2-3.600 4.600-5.300 7.5-5.300s5.5 1.700 7.5 5.300c-2 3.600-4.600 5.300-7.5 5.300S4.5 13.600 2.5 10zM4 16 16 4",
  image: "M3.5 4.5h13v11h-13zM3.5 13l3.700-3.600 2.600 2.300 2.900-3 3.800 3.600M7.300 7.300v.2",
  camera: "M3 6.5h3.200L7.600 4.5h4.800l1.400 2H17v9.5H3zM10 8.300a2.700 2.700 0 1 0 0 5.400 2.700 2.700 0 0 0 0-5.400z",
  link: "M8.5 11.5 11.5 8.5M7 9.5 5 11.5a2.5 2.5 0 0 0 3.5 3.5l2-2M13 10.5l2-2A2.5 2.5 0 0 0 11.5 5l-2 2",
  dice: "M4 4h12v12H4zM7.300 7.300v.1M12.700 7.300v.1M10 10v.1M7.300 12.700v.1M12.700 12.700v.1",
  add: "M10 4.5v11M4.5 10h11",
  back: "M12.5 4.5 7 10l5.5 5.5",
  forth: "M7.5 4.5 13 10l-5.5 5.5",
};

/** @typedef {keyof typeof PATHS} IconName */

/**
 * @param {IconName} name
 * @returns {SVGElement}
 */
export const icon = (name) => svg(
  "svg",
  { class: "icon", viewBox: "0 0 20 20", width: "20", height: "20", "aria-hidden": "true" },
  svg("path", { d: PATHS[name] }),
);
