import { arrange, h, setText } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { LayerChip } from "./layer_chip.js";

/** @import { BarLayer, ChipActions } from "./layer_chip.js" */
/** @import { Target } from "../../components/canvas/types.js" */

/** Layers beyond which all can be hidden at once, and chips have the numbers that labels on the picture have. */
const MANY = 4;

/**
 * @typedef {object} LayersBarOptions
 * @property {(ids: string[], visible: boolean) => void} onVisible layers are to be shown or hidden
 * @property {(id: string) => void} onDelete
 * @property {(id: string) => void} onOutline
 * @property {(target: Target | null) => void} onHighlight a layer is pointed at, or no longer
 * @property {(id: string, region: number) => void} onReveal look at a region of a layer: they are counted from 0
 */

/** The layers of a picture as a row of chips: colour, phrase, count, an eye. */
export class LayersBar {
  /** @type {Map<string, LayerChip>} */
  #chips = new Map();

  /** @type {readonly BarLayer[]} */
  #layers = [];

  #options;
  #due = 0;

  /**
   * @param {HTMLElement} host
   * @param {LayersBarOptions} options
   */
  constructor(host, options) {
    this.#options = options;
    this.#all = h("button", { type: "button", class: "all", onclick: () => this.#toggleAll() });
    this.#more = h("button", {
      type: "button", class: "more", "aria-expanded": "false", hidden: true, onclick: () => this.#expand(this.#more.getAttribute("aria-expanded") !== "true"),
    });
    this.#hint = h("p", { class: "layers-hint" }, say("What the answers find appears here, as layers."));
    this.#row = h("div", { class: "layers-row" });
    this.#root = h("div", { class: "layers-bar", role: "group", "aria-label": say("Layers: what was found in the image") },
      this.#all, this.#row, this.#hint, this.#more);
    host.append(this.#root);
    new ResizeObserver(() => this.#measureSoon()).observe(this.#row);
    this.draw([]);
  }

  #all;
  #more;
  #hint;
  #row;
  #root;

  /** @param {readonly BarLayer[]} layers */
  draw(layers) {
    this.#layers = layers;
    const isMany = layers.length > MANY;
    /** @type {Map<string, LayerChip>} */
    const chips = new Map();
    const { onVisible, onDelete, onOutline, onHighlight, onReveal } = this.#options;
    /** @type {ChipActions} */
    const actions = {
      onVisible: (id, visible) => onVisible([id], visible), onDelete: (id) => this.#delete(id, onDelete), onOutline, onHighlight, onReveal,
    };
    layers.forEach((layer, index) => {
      const chip = this.#chips.get(layer.id) ?? new LayerChip(layer.id, actions);
      chip.draw(layer, isMany ? index + 1 : null);
      chips.set(layer.id, chip);
    });
    this.#chips = chips;
    arrange(this.#row, [...chips.values()].map(({ element }) => element));
    this.#hint.hidden = layers.length > 0;
    this.#all.hidden = !isMany;
    setText(this.#all, layers.some(({ visible, count }) => visible && count) ? say("Hide all") : say("Show all"));
    this.#measureSoon();
  }

  /**
   * Make the chip of a layer stand out; null: none.
   *
   * @param {Target | null} target
   */
  highlight(target) {
    for (const [id, chip] of this.#chips) chip.highlight(id === target?.layer);
    const chip = target && this.#chips.get(target.layer);
    if (chip && this.#more.getAttribute("aria-expanded") !== "true") this.#bringIntoView(chip.element);
  }

  /** @param {HTMLElement} chip */
  #bringIntoView(chip) {
    const row = this.#row;
    const left = chip.offsetLeft - row.offsetLeft;
    if (left < row.scrollLeft || left + chip.offsetWidth > row.scrollLeft + row.clientWidth) row.scrollTo({ left: left - 24 });
  }

  #toggleAll() {
    const seen = this.#layers.filter(({ count }) => count);
    const visible = !seen.some((layer) => layer.visible);
    this.#options.onVisible(seen.filter((layer) => layer.visible !== visible).map(({ id }) => id), visible);
  }

  /**
   * The focus goes to the next chip.
   *
   * @param {string} id
   * @param {(id: string) => void} onDelete
   */
  #delete(id, onDelete) {
    const chips = [...this.#chips.values()];
    const index = [...this.#chips.keys()].indexOf(id);
    const next = chips[index + 1] ?? chips[index - 1];
    const hadFocus = this.#chips.get(id)?.element.contains(document.activeElement);
    this.#options.onHighlight(null);
    onDelete(id);
    if (hadFocus) next?.focus();
  }

  /** @param {boolean} isOpen whether the chips take several lines, over the picture */
  #expand(isOpen) {
    this.#root.classList.toggle("open", isOpen);
    this.#more.setAttribute("aria-expanded", String(isOpen));
    this.#measure();
  }

  /** Once for all that changes before the page is painted: measuring takes time. */
  #measureSoon() {
    cancelAnimationFrame(this.#due);
    this.#due = requestAnimationFrame(() => this.#measure());
  }

  /** Offer all chips at once where they do not fit on a line. */
  #measure() {
    const isOpen = this.#more.getAttribute("aria-expanded") === "true";
    const overflows = isOpen || this.#row.scrollWidth > this.#row.clientWidth + 1;
    this.#more.hidden = !overflows || !this.#layers.length;
    setText(this.#more, isOpen ? say("Fewer") : say("All {n}", { n: this.#layers.length }));
    this.#more.setAttribute("aria-label", isOpen ? say("Show layers on one line") : say("Show all {n} layers", { n: this.#layers.length }));
    if (isOpen && !this.#layers.length) this.#expand(false);
  }
}
