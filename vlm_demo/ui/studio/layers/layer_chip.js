import { fill, h, setText } from "../../components/dom.js";
import { icon } from "../../components/canvas/icons.js";
import { say } from "../../i18n/say.js";
import { swatchStyle } from "./swatch.js";

/** @import { Target } from "../../components/canvas/types.js" */

/**
 * @typedef {object} BarLayer what a chip shows of a layer
 * @property {string} id
 * @property {string} phrase
 * @property {string} colour
 * @property {readonly number[]} dash
 * @property {number} count of its regions; 0: it was looked for and not found
 * @property {boolean} visible
 * @property {boolean} [pending] its answer still grows
 * @property {boolean | null} [outlined] whether outlines are shown in place of boxes; null: there can be none
 *
 * @typedef {object} ChipActions
 * @property {(id: string, visible: boolean) => void} onVisible
 * @property {(id: string) => void} onDelete
 * @property {(id: string) => void} onOutline shows outlines in place of boxes, or boxes again
 * @property {(target: Target | null) => void} onHighlight
 * @property {(id: string, region: number) => void} onReveal
 */

/**
 * One layer: a swatch, a phrase and a count, an eye that hides it, a button that deletes it. By keyboard, the eye stands
 * for all of it: Enter hides, the right arrow key zooms to its regions one after the other, Delete deletes.
 */
export class LayerChip {
  #id;
  #actions;
  #next = 0; // which region is looked at by the next click

  /** @type {BarLayer | null} */
  #layer = null;

  /**
   * @param {string} id
   * @param {ChipActions} actions
   */
  constructor(id, actions) {
    this.#id = id;
    this.#actions = actions;
    this.#number = h("b");
    this.#swatch = h("i", { "aria-hidden": "true" });
    this.#phrase = h("span", { class: "phrase", dir: "auto" });
    this.#count = h("small");
    this.#name = h("span", { class: "name", onclick: () => this.#reveal() }, this.#number, this.#swatch, this.#phrase, this.#count);
    this.#eye = h("button", { type: "button", class: "eye", "aria-keyshortcuts": "ArrowRight Delete", onclick: () => this.#toggle() });
    this.#remove = h("button", { type: "button", class: "delete", tabindex: -1, onclick: () => actions.onDelete(id) }, icon("close"));
    this.#outline = h("button", { type: "button", class: "outline", hidden: true, onclick: () => actions.onOutline(id) }, icon("outline"));
    this.element = h("span", { class: "layer" }, this.#name, this.#outline, this.#eye, this.#remove);
    for (const [event, isOn] of /** @type {const} */ ([["pointerenter", true], ["focusin", true], ["pointerleave", false], ["focusout", false]])) {
      this.element.addEventListener(event, () => this.#point(isOn));
    }
    this.element.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Delete") actions.onDelete(id);
      else if (event.key === "ArrowRight") this.#reveal();
      else return;
      event.preventDefault();
    });
  }

  #number;
  #swatch;
  #phrase;
  #count;
  #name;
  #eye;
  #outline;
  #remove;

  /**
   * @param {BarLayer} layer
   * @param {number | null} number that its labels have where there are many
   */
  draw(layer, number) {
    setText(this.#number, number === null ? "" : String(number));
    const before = this.#layer;
    this.#layer = layer;
    if (before && isSame(before, layer)) return;
    const { phrase, count, visible, pending = false } = layer;
    const name = phrase || say("unnamed");
    const found = count > 0 ? String(count) : pending ? "…" : say("not found");
    this.element.dataset.layer = phrase;
    this.element.dataset.count = String(count);
    this.element.classList.toggle("nowhere", count === 0);
    this.element.classList.toggle("hidden-layer", !visible);
    Object.assign(this.#swatch.style, swatchStyle(layer.colour, layer.dash));
    this.#swatch.classList.toggle("dashed", layer.dash.length > 0);
    setText(this.#phrase, name);
    setText(this.#count, found);
    this.#name.title = count > 0 ? say("{name}: zoom to it", { name }) : name;
    this.#eye.setAttribute("aria-pressed", String(visible && count > 0));
    this.#eye.setAttribute("aria-disabled", String(count === 0));
    this.#eye.setAttribute("aria-label", this.#describe(name, count, pending));
    this.#eye.title = count === 0 ? found : visible ? say("Hide") : say("Show");
    if (before?.visible !== visible) fill(this.#eye, icon(visible ? "eye" : "hidden"));
    this.#drawOutline(layer, name);
    this.#remove.setAttribute("aria-label", say("Delete layer {name}", { name }));
    this.#remove.title = say("Delete layer");
  }

  /**
   * @param {BarLayer} layer
   * @param {string} name
   */
  #drawOutline({ outlined = null, count, pending }, name) {
    this.#outline.hidden = outlined === null || !count || Boolean(pending);
    this.#outline.setAttribute("aria-pressed", String(Boolean(outlined)));
    this.#outline.setAttribute("aria-label", outlined ? say("{name}: show boxes", { name }) : say("{name}: outline", { name }));
    this.#outline.title = outlined ? say("Boxes") : say("Outline");
  }

  /**
   * @param {string} name
   * @param {number} count
   * @param {boolean} pending
   */
  #describe(name, count, pending) {
    if (count > 0) return say("{name}: {count} found. Show on the image", { name, count });
    return pending ? say("{name}: still being looked for", { name }) : say("{name}: not found", { name });
  }

  /** @param {boolean} isHot */
  highlight(isHot) {
    this.element.classList.toggle("hot", isHot);
  }

  focus() {
    this.#eye.focus();
  }

  #toggle() {
    if (this.#layer?.count) this.#actions.onVisible(this.#id, !this.#layer.visible);
  }

  /** @param {boolean} isOn */
  #point(isOn) {
    this.#actions.onHighlight(isOn && this.#layer?.count ? { layer: this.#id } : null);
  }

  /** Each click looks at the next region. */
  #reveal() {
    const layer = this.#layer;
    this.focus();
    if (!layer?.count) return;
    if (!layer.visible) this.#actions.onVisible(this.#id, true);
    this.#actions.onReveal(this.#id, this.#next % layer.count);
    this.#next = (this.#next + 1) % layer.count;
  }
}

/**
 * @param {BarLayer} one
 * @param {BarLayer} other
 */
const isSame = (one, other) => one.phrase === other.phrase && one.count === other.count && one.visible === other.visible
  && one.outlined === other.outlined && one.colour === other.colour && one.dash.join() === other.dash.join() && Boolean(one.pending) === Boolean(other.pending);
