// Pictures on the buttons of Studio, 20 by 20, drawn in the colour of the text.
import { svg } from "../components/dom.js";

const PATHS = {
  send: "M10 16V4.500M5 9l5-5 5 5",
  stop: "M5.500 5.500h9v9h-9z",
  chat: "M3.500 4.500h13v9h-7l-3.500 3v-3h-2.500z",
  options: "M3 6h7M14 6h3M10 6a2 2 0 1 0 4 0 2 2 0 1 0-4 0M3 14h3M10 14h7M6 14a2 2 0 1 0 4 0 2 2 0 1 0-4 0",
  image: "M3.500 4.500h13v11h-13zM3.500 13l3.700-3.600 2.600 2.300 2.900-3 3.800 3.600M7.300 7.300v.2",
  down: "m5.500 8 4.500 4.500L14.500 8",
  newest: "M10 4v11.500M5 10.500l5 5 5-5",
  close: "m5 5 10 10M15 5 5 15",
  copy: "M7.500 7.500h9v9h-9zM4.500 12.500h-1v-9h9v1",
  again: "M16 10a6 6 0 1 1-1.900-4.400M16 3v3.500h-3.500",
  edit: "M4 16l.8-3.200L13.500 4.100l2.400 2.400-8.700 8.700zM12 5.600 14.400 8",
  compare: "M6.500 3.500 3.500 6.500l3 3M3.500 6.500H16M13.500 10.500l3 3-3 3M16.500 13.500H4",
  check: "m4 10.500 4 4 8-9",
  download: "M10 3.500v9M6 9l4 4 4-4M4 16.500h12",
  more: "M4.500 10v.1M10 10v.1M15.500 10v.1",
  link: "M8.500 11.500 11.500 8.500M7 9.500 5 11.500a2.500 2.500 0 0 0 3.500 3.500l2-2M13 10.500l2-2A2.500 2.500 0 0 0 11.500 5l-2 2",
  code: "M7 5.500 3 10l4 4.500M13 5.500l4 4.500-4 4.500",
  marks: "M3.500 3.500h13v13h-13zM9 8l1.500-1v6",
  example: "M10 3.500l2 4.200 4.500.6-3.300 3.200.8 4.500-4-2.200-4 2.200.8-4.500-3.300-3.200 4.500-.6z",
  score: "M10 3.500a6.500 6.500 0 1 0 0 13 6.500 6.500 0 1 0 0-13M10 7a3 3 0 1 0 0 6 3 3 0 1 0 0-6",
  batch: "M3.500 3.500h5.500v5.500H3.500zM11 3.500h5.500v5.500H11zM3.500 11h5.500v5.500H3.500zM11 11h5.500v5.500H11z",
  benchmark: "M4 16V9M8 16V5M12 16v-5M16 16V7",
  up: "M7 16.500V9l3-6c1.500 0 2 1 1.800 2.500L11.500 8H16l-1.200 8.500zM7 9H4v7.500h3",
  thumbdown: "M13 3.500V11l-3 6c-1.500 0-2-1-1.800-2.500L8.500 12H4l1.200-8.500zM13 11h3V3.500h-3",
  flag: "M5 17V3.500M5 4h10l-2.500 3.500L15 11H5",
  history: "M3.500 5h13M3.500 10h13M3.500 15h8",
  add: "M10 4.500v11M4.500 10h11",
  trash: "M4 6h12M8 6V4h4v2M5.500 6l.7 10h7.600l.7-10M8.500 9v4.500M11.500 9v4.500",
  back: "M12.500 4.500 7 10l5.500 5.500",
  forth: "M7.500 4.500 13 10l-5.500 5.500",
  warning: "M10 3.500 17 16H3zM10 8v4M10 14v.1",
  box: "M3.500 5h13v10h-13z",
};

/** @typedef {keyof typeof PATHS} IconName */

/**
 * @param {IconName} name
 * @returns {SVGElement}
 */
export const icon = (name) => svg("svg", { class: "studio-icon", viewBox: "0 0 20 20", width: 20, height: 20, "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
