// The text of an answer. While it grows, only the blocks that differ are made anew.
import { h } from "../../components/dom.js";
import { easeLongWords } from "../../components/long_words.js";
import { say } from "../../i18n/say.js";
import { linkCitations } from "./citations.js";
import { parseBlock } from "./safe_html.js";

/** @typedef {import("../state/types.js").Layer} Layer */

/** Shows a list of blocks. */
export class Blocks {
  element = h("div", { class: "reply-text", dir: "auto" });
  /** @type {string[]} */
  #shown = [];

  /**
   * @param {string[]} blocks
   * @param {Map<number, Layer>} layers what the canvas draws of each mention
   * @param {Parameters<typeof linkCitations>[1]} show what shows a page, picture or time that the text names
   */
  update(blocks, layers, show) {
    let same = 0;
    while (same < blocks.length && blocks[same] === this.#shown[same]) same += 1;
    const { children } = this.element;
    while (children.length > same) children[children.length - 1].remove();
    const fresh = blocks.slice(same).map((block) => h("div", { class: "block" }, ...parseBlock(block)));
    for (const block of fresh) {
      this.colour(layers, block);
      linkCitations(block, show);
      easeLongWords(block, block.textContent ?? "");
    }
    this.element.append(...fresh);
    this.#shown = blocks;
  }

  /**
   * @param {Map<number, Layer>} layers
   * @param {Element} [part] of the text
   */
  colour(layers, part = this.element) {
    for (const mark of part.querySelectorAll("mark[data-mention]")) colourMark(/** @type {HTMLElement} */ (mark), layers.get(Number(/** @type {HTMLElement} */ (mark).dataset.mention)));
  }
}

/**
 * Makes a phrase look as its regions on the picture.
 * @param {HTMLElement} mark
 * @param {Layer | undefined} layer
 */
export function colourMark(mark, layer) {
  const look = layer ? `${layer.colour} ${layer.dash} ${layer.visible}` : "none";
  if (mark.dataset.look === look) return;
  mark.dataset.look = look;
  mark.style.setProperty("--colour", layer?.colour ?? "");
  mark.style.setProperty("--line", underline(layer?.dash ?? []));
  mark.classList.toggle("off", !layer?.visible);
  mark.title = say("Show on the image");
}

/**
 * A line with the dashes that the regions have.
 * @param {number[]} dash in widths of the line; empty: solid
 */
export function underline(dash) {
  if (!dash.length) return "linear-gradient(var(--colour), var(--colour))";
  let at = 0;
  const stops = dash.flatMap((length, index) => {
    const colour = index % 2 ? "transparent" : "var(--colour)", from = at;
    at += length * 2.5;
    return [`${colour} ${from}px`, `${colour} ${at}px`];
  });
  return `repeating-linear-gradient(90deg, ${stops.join(", ")})`;
}
