// A radar chart: what several models score on three axes or more, from 0 to 100 percent.
import { h, svg } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { format } from "./scores.js";

const CENTRE = 240, RADIUS = 118, WIDTH = 2 * CENTRE, HEIGHT = 320, MIDDLE = HEIGHT / 2;
const RINGS = [25, 50, 75, 100];

/** Of a line for each model; colours are in the style sheet. */
const DASHES = ["", "6 3", "2 3", "9 3 2 3"];

/** Largest number of models in a chart: more lines cannot be told apart. */
export const MAX_MODELS = DASHES.length;

/**
 * @param {number} axis
 * @param {number} count
 * @param {number} share of the radius
 * @returns {[number, number]}
 */
function place(axis, count, share) {
  const angle = (2 * Math.PI * axis) / count - Math.PI / 2;
  return [CENTRE + RADIUS * share * Math.cos(angle), MIDDLE + RADIUS * share * Math.sin(angle)];
}

/**
 * @param {number[]} values in percent, one for each axis
 * @returns {string} as `points` of SVG
 */
export const outline = (values) => values
  .map((value, axis) => place(axis, values.length, Math.min(Math.max(value, 0), 100) / 100).map((one) => one.toFixed(1)).join(",")).join(" ");

/**
 * @param {string[]} names of the models
 * @param {{title: string, values: number[]}[]} axes values in percent, in the order of the models
 * @returns {HTMLElement} the chart, its legend and a table with the same figures
 */
export function radarChart(names, axes) {
  const rings = RINGS.map((ring) => svg("polygon", { class: "ring", points: outline(axes.map(() => ring)) }));
  const spokes = axes.map((_, axis) => {
    const [x, y] = place(axis, axes.length, 1);
    return svg("line", { class: "spoke", x1: CENTRE, y1: MIDDLE, x2: x, y2: y });
  });
  const shapes = names.map((_, index) => svg("polygon", {
    class: `shape line-${index}`, points: outline(axes.map(({ values }) => values[index])), "stroke-dasharray": DASHES[index] || null,
  }));
  const labels = axes.map(({ title }, axis) => label(title, axis, axes.length));
  const numbers = RINGS.map((ring) => svg("text", { class: "number", x: CENTRE + 3, y: MIDDLE - (RADIUS * ring) / 100 - 2 }, ring));
  return h("figure", { class: "radar" },
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": say("Radar chart of {models}; the table below has the same figures.", { models: names.join(", ") }) },
      ...rings, ...spokes, ...shapes, ...labels, ...numbers),
    h("figcaption", {}, h("ul", { class: "legend" }, ...names.map((name, index) => h("li", {},
      svg("svg", { viewBox: "0 0 26 8", width: 26, height: 8, "aria-hidden": "true" },
        svg("line", { class: `line-${index}`, x1: 0, y1: 4, x2: 26, y2: 4, "stroke-dasharray": DASHES[index] || null })), name))), figures(names, axes)));
}

/**
 * @param {string} title
 * @param {number} axis
 * @param {number} count
 */
function label(title, axis, count) {
  const [x, y] = place(axis, count, 1.1);
  const side = Math.abs(x - CENTRE) < 8 ? "middle" : x > CENTRE ? "start" : "end";
  const short = title.length > 17 ? `${title.slice(0, 16)}…` : title;
  return svg("text", { class: "axis", x, y: y + (axis ? 4 : -3), "text-anchor": side }, svg("title", {}, title), short);
}

/**
 * @param {string[]} names
 * @param {{title: string, values: number[]}[]} axes
 */
const figures = (names, axes) => h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": say("Figures of the chart") },
  h("table", { class: "figures" },
    h("thead", {}, h("tr", {}, h("td"), ...axes.map(({ title }) => h("th", { scope: "col" }, title)))),
    h("tbody", {}, ...names.map((name, index) => h("tr", {}, h("th", { scope: "row" }, name), ...axes.map(({ values }) => h("td", {}, format(values[index]))))))));
