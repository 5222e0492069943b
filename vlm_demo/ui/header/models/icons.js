// Icons of the model panel: strokes on a grid of 24, like those of the header (`header/icons.py`).
import { svg } from "../../components/dom.js";

const PATHS = {
  chat: "M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-8l-4.500 3.500V17H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2z",
  boxes: "M4 9V6a2 2 0 0 1 2-2h3M15 4h3a2 2 0 0 1 2 2v3M20 15v3a2 2 0 0 1-2 2h-3M9 20H6a2 2 0 0 1-2-2v-3M9 9h6v6H9z",
  text: "M6 8V6h12v2M12 6v12M9.500 18h5",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 1 0 0-14M16 16l4.500 4.500",
  unload: "M12 5l6.500 8h-13zM5.500 18h13",
  add: "M12 5v14M5 12h14",
  back: "M14.500 5l-7 7 7 7",
  browse: "M4 6h16M4 12h16M4 18h10",
  chosen: "M5 12.500l4.500 4.500L19 7.500",
  close: "M6 6l12 12M18 6L6 18",
};

/**
 * @param {keyof typeof PATHS} name
 * @param {number} [size] in pixels
 * @returns {SVGElement} which screen readers pass over
 */
export const icon = (name, size = 20) => svg("svg", {
  class: "icon", viewBox: "0 0 24 24", width: size, height: size, fill: "none", stroke: "currentColor", "stroke-width": 1.75,
  "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true", focusable: "false",
}, svg("path", { d: PATHS[name] }));
