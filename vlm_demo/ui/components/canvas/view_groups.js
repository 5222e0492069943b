/** @import { Canvas } from "./canvas.js" */

/** @type {Map<string, Set<Canvas>>} */
const groups = new Map();

/**
 * Let the canvases of a group show the same part of their pictures.
 *
 * @param {Canvas} canvas
 * @param {string} name of the group
 */
export function followGroup(canvas, name) {
  const group = groups.get(name) ?? new Set();
  groups.set(name, group);
  group.add(canvas);
  canvas.onView = (view) => {
    for (const other of group) if (other !== canvas) other.view = view;
  };
}
