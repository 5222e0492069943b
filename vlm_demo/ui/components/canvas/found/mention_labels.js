import { LabelPlacer } from "../geometry/label_layout.js";
import { MAX_LABEL_COVERAGE } from "./mention_words.js";

/** @import { LabelItem } from "../geometry/label_layout.js" */
/** @import { PictureView } from "../picture_view.js" */
/** @import { Bounds, Size } from "../types.js" */

/** @typedef {{node: HTMLElement, box: Bounds, words: string, number: string}} Label of one region */

const PADDING = 14; // left and right of the words, as in canvas.css
const HEIGHT_PADDING = 4;
const DOT = /** @type {Size} */ ([8, 8]);
const WIDEST = 280;

/**
 * The labels of regions, placed so that they do not cover each other: in words while there is room, then as numbers,
 * then as dots. Those that come later are placed among the others, which stay.
 */
export class MentionLabels {
  #view;
  #host;
  #pen = document.createElement("canvas").getContext("2d");

  /** @type {Map<string, number>} */
  #widths = new Map();

  /** @type {readonly Label[]} */
  #labels = [];

  #placed = 0; // how many of them have their place
  #placer = new LabelPlacer([0, 0, 0, 0]);
  #room = 0; // pixels that words may still cover
  #size = 13; // of the letters
  #due = 0;

  /**
   * @param {PictureView} view
   * @param {HTMLElement} host of the labels
   */
  constructor(view, host) {
    this.#view = view;
    this.#host = host;
  }

  /** @param {readonly Label[]} labels that are new */
  append(labels) {
    for (const { node } of labels) {
      node.style.visibility = "hidden";
      this.#host.append(node);
    }
  }

  /** @param {readonly Label[]} labels all that are seen, those that are served first in front */
  show(labels) {
    const before = this.#labels;
    this.#labels = labels;
    const grows = before.length <= labels.length && before.every((label, index) => labels[index] === label);
    if (!grows) this.#placed = 0;
    if (this.#placed < labels.length) this.#placeSoon();
  }

  arrangeAll() {
    this.#placed = 0;
    this.#placeSoon();
  }

  placeNow() {
    cancelAnimationFrame(this.#due);
    this.#place();
  }

  #placeSoon() {
    cancelAnimationFrame(this.#due);
    this.#due = requestAnimationFrame(() => this.#place());
  }

  #place() {
    if (!this.#view.viewport) return;
    if (this.#placed === 0) this.#begin();
    for (; this.#placed < this.#labels.length; this.#placed += 1) this.#placeOne(this.#labels[this.#placed]);
  }

  #begin() {
    const { stage, size, seen, view } = this.#view;
    const side = Math.min(...size) / view.scale;
    this.#size = Math.round(Math.min(14, Math.max(10.5, side / 30)));
    stage.style.setProperty("--line", `${Math.min(4, Math.max(1.5, side / 170)).toFixed(1)}px`);
    stage.style.setProperty("--label", `${this.#size}px`);
    const font = `650 ${this.#size}px ${getComputedStyle(stage).fontFamily}`;
    if (this.#pen && this.#pen.font !== font) {
      this.#pen.font = font;
      this.#widths.clear();
    }
    this.#placer = new LabelPlacer(inPicture(seen, size));
    this.#room = MAX_LABEL_COVERAGE * stage.clientWidth * stage.clientHeight;
  }

  /** @param {Label} label */
  #placeOne({ node, box: [x1, y1, x2, y2], words, number }) {
    const [width, height] = this.#view.size;
    const high = this.#size * 1.35 + HEIGHT_PADDING;
    const wide = Math.min(this.#measure(words) + PADDING, WIDEST, this.#view.stage.clientWidth * 0.6);
    this.#room -= wide * high;
    /** @type {LabelItem} */
    const item = {
      box: [x1 * width, y1 * height, x2 * width, y2 * height],
      sizes: [this.#room > 0 || this.#placed === 0 ? [wide, high] : null, [this.#measure(number) + PADDING - 4, high], DOT],
    };
    const spot = this.#placer.place(item);
    node.style.visibility = spot ? "" : "hidden";
    if (!spot) return;
    node.style.transform = `translate(${spot.x.toFixed(1)}px, ${spot.y.toFixed(1)}px)`;
    node.classList.toggle("number", spot.size === 1);
    node.classList.toggle("dot", spot.size === 2);
  }

  /** @param {string} words */
  #measure(words) {
    let width = this.#widths.get(words);
    if (width === undefined) {
      width = this.#pen?.measureText(words).width ?? words.length * this.#size * 0.6;
      this.#widths.set(words, width);
    }
    return width;
  }
}

/**
 * The part of the seen box that lies on the picture.
 *
 * @param {Bounds} seen
 * @param {Size} size
 * @returns {Bounds}
 */
const inPicture = ([x1, y1, x2, y2], [width, height]) => [Math.max(0, x1), Math.max(0, y1), Math.min(width, x2), Math.min(height, y2)];
