// The curve of a loss: a line over the steps, with a table of a few of its points for screen readers.
import { h, svg } from "../../components/dom.js";
import { say } from "../../i18n/say.js";

const WIDTH = 560, HEIGHT = 200, LEFT = 46, RIGHT = 10, TOP = 10, BOTTOM = 26;

/** Largest number of points that are drawn. */
const MOST = 400;

/**
 * Means of neighbouring points, so that there are not too many.
 * @param {[number, number][]} points step and loss, in order
 * @param {number} [most]
 * @returns {[number, number][]}
 */
export function thin(points, most = MOST) {
  const size = Math.ceil(points.length / most);
  if (size <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / size) }, (_, index) => {
    const part = points.slice(index * size, (index + 1) * size);
    return /** @type {[number, number]} */ ([part[part.length - 1][0], part.reduce((sum, [, loss]) => sum + loss, 0) / part.length]);
  });
}

/**
 * Where points lie in the drawing.
 * @param {[number, number][]} points
 * @param {number} steps of the whole run
 * @returns {{path: string, highest: number}}
 */
export function place(points, steps) {
  const highest = Math.max(...points.map(([, loss]) => loss), 1e-9);
  const across = (/** @type {number} */ step) => LEFT + ((WIDTH - LEFT - RIGHT) * step) / Math.max(steps, 1);
  const down = (/** @type {number} */ loss) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - loss / highest);
  const drawn = points.length === 1 ? [points[0], points[0]] : points; // a line of one point is not drawn, one of no length is a dot
  return { highest, path: drawn.map(([step, loss]) => `${across(step).toFixed(1)},${down(loss).toFixed(1)}`).join(" ") };
}

/**
 * @param {[number, number][]} losses step and loss
 * @param {number} steps of the whole run
 * @returns {HTMLElement}
 */
export function lossCurve(losses, steps) {
  const finite = losses.filter(([, loss]) => Number.isFinite(loss)), { path, highest } = place(thin(finite), steps);
  const [step, loss] = finite[finite.length - 1] ?? [0, 0];
  const words = say("Loss {loss} at step {step} of {steps}", { loss: loss.toFixed(3), step, steps });
  const bottom = HEIGHT - BOTTOM;
  return h("figure", { class: "curve" },
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words },
      svg("line", { class: "axis-line", x1: LEFT, y1: bottom, x2: WIDTH - RIGHT, y2: bottom }),
      svg("line", { class: "axis-line", x1: LEFT, y1: TOP, x2: LEFT, y2: bottom }),
      svg("text", { class: "number", x: LEFT - 6, y: TOP + 8, "text-anchor": "end" }, highest.toFixed(2)),
      svg("text", { class: "number", x: LEFT - 6, y: bottom, "text-anchor": "end" }, "0"),
      svg("text", { class: "number", x: LEFT, y: HEIGHT - 8 }, "0"),
      svg("text", { class: "number", x: WIDTH - RIGHT, y: HEIGHT - 8, "text-anchor": "end" }, steps),
      svg("polyline", { class: "loss", points: path })),
    h("figcaption", {}, words));
}
