import { h, svg } from "../dom.js";
import { say } from "../../i18n/say.js";

/**
 * The window that one looks through, and the sheet in it: the picture with all that is drawn on it.
 *
 * @param {boolean} selectable
 */
export function buildStage(selectable) {
  const image = h("img", { alt: "", draggable: "false" });
  const overlay = svg("svg", { class: "overlay", "aria-hidden": "true" });
  const labels = h("div", { class: "labels", "aria-hidden": "true" });
  const regions = svg("svg", { class: "regions", "aria-hidden": "true" });
  const tags = h("div", { class: "tags" });
  const sheet = h("div", { class: "sheet" }, image, overlay, labels, regions, tags);
  const words = selectable
    ? say("Image. Enter marks a region in the middle; Tab goes to the regions. Plus and minus zoom, the arrow keys move, 0 shows all of it.")
    : say("Image. Plus and minus zoom, the arrow keys move, 0 shows all of it.");
  const stage = h("div", { class: "stage", tabindex: 0, role: "group", "aria-label": words }, sheet);
  return { stage, sheet, image, overlay, labels, regions, tags };
}
