import { h } from "../dom.js";
import { say } from "../../i18n/say.js";
import { FoundTable } from "./found/found_table.js";
import { icon } from "./icons.js";

/** @import { CoordinateTable } from "./marking/coordinate_table.js" */
/** @import { Layer, Picture } from "./types.js" */

/** The tables of a canvas, in a panel over the lower part of the picture. They are filled while it is open. */
export class TablePanel {
  #found = new FoundTable();
  #coordinates;
  #due = 0;

  /**
   * @param {CoordinateTable | null} coordinates of the marked regions
   * @param {() => void} onClose
   */
  constructor(coordinates, onClose) {
    this.#coordinates = coordinates;
    this.element = h(
      "section",
      { class: "panel", role: "region", "aria-label": say("Table of objects and regions"), tabindex: 0, hidden: true },
      h("button", { type: "button", class: "tool close", "aria-label": say("Hide table"), onclick: onClose }, icon("close")),
      this.#found.element,
      coordinates?.element,
    );
    this.element.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      onClose();
    });
  }

  get isOpen() {
    return !this.element.hidden;
  }

  /** @param {boolean} isOpen */
  toggle(isOpen) {
    this.element.hidden = !isOpen;
  }

  /**
   * @param {readonly Layer[]} layers
   * @param {Picture | null} picture
   */
  draw(layers, picture) {
    if (!this.isOpen) return;
    cancelAnimationFrame(this.#due);
    this.#due = requestAnimationFrame(() => {
      if (!picture) return;
      this.#found.draw(layers, picture);
      this.#coordinates?.draw(picture);
    });
  }
}
