import { addedRegions } from "./growth.js";
import { h, svg } from "../../dom.js";
import { drawRegion } from "../drawing.js";
import { boundsOf } from "../geometry/regions.js";
import { ownerAt } from "../geometry/hit_test.js";
import { formatScore, shortenPhrase } from "./mention_words.js";
import { MentionLabels } from "./mention_labels.js";

/** @import { Layer, Mention, Place, Target } from "../types.js" */
/** @import { Label } from "./mention_labels.js" */
/** @import { PictureView } from "../picture_view.js" */

/**
 * @typedef {{layer: Layer, number: number, index: number, mention: Mention, group: SVGElement, labels: Label[]}} Drawn
 */

/**
 * The regions of answers on a picture. Only what has changed is drawn again: an answer may grow by many regions a
 * second.
 */
export class MentionLayer {
  #view;
  #root;
  #overlay;
  #labels;

  /** @type {Map<string, Drawn>} in the order in which they are drawn */
  #drawn = new Map();

  /** @type {Target | null} */
  #lit = null;

  /**
   * @param {PictureView} view
   * @param {HTMLElement} root is given the class `focused` while something is highlighted
   * @param {SVGElement} overlay
   * @param {HTMLElement} labels
   */
  constructor(view, root, overlay, labels) {
    this.#view = view;
    this.#root = root;
    this.#overlay = overlay;
    this.#labels = new MentionLabels(view, labels);
  }

  /** @param {readonly Layer[]} layers */
  draw(layers) {
    /** @type {Map<string, Drawn>} */
    const next = new Map();
    layers.forEach((layer, at) => {
      if (!layer.visible) return;
      layer.mentions.forEach((mention, index) => {
        const key = `${index} ${layer.id}`;
        const before = this.#drawn.get(key);
        const added = before?.number === at + 1 && looksSame(before, layer, mention) ? addedRegions(before.mention.regions, mention.regions) : null;
        next.set(key, before && added ? grow(before, layer, mention, added) : drawMention(layer, mention, index, at + 1));
      });
    });
    this.#exchange(next);
  }

  /** @param {Map<string, Drawn>} next */
  #exchange(next) {
    const stale = [...this.#drawn].filter(([key, drawn]) => next.get(key) !== drawn);
    for (const [, { group, labels }] of stale) [group, ...labels.map(({ node }) => node)].forEach((node) => node.remove());
    /** @type {Element | null} */
    let follows = this.#overlay.firstElementChild;
    for (const { group, labels } of next.values()) {
      if (group === follows) follows = group.nextElementSibling;
      else this.#overlay.insertBefore(group, follows);
      const fresh = labels.filter(({ node }) => !node.isConnected);
      if (fresh.length) this.#labels.append(fresh);
    }
    this.#drawn = next;
    this.#labels.show([...next.values()].flatMap(({ labels }) => labels));
    this.#light();
  }

  placeLabels() {
    this.#labels.placeNow();
  }

  /** The picture is shown in another size, or another part of it. */
  arrange() {
    this.#labels.arrangeAll();
  }

  /**
   * Make a layer or a mention stand out; null: nothing.
   *
   * @param {Target | null} target
   */
  highlight(target) {
    this.#lit = target;
    this.#light();
  }

  #light() {
    const lit = this.#lit;
    let some = false;
    for (const { layer, index, group, labels } of this.#drawn.values()) {
      const isLit = lit !== null && layer.id === lit.layer && (lit.mention === undefined || lit.mention === index);
      some ||= isLit;
      if (group.classList.contains("hot") === isLit) continue;
      for (const node of [group, ...labels.map((label) => label.node)]) node.classList.toggle("hot", isLit);
    }
    this.#root.classList.toggle("focused", some);
  }

  /**
   * The mention under a place of the picture.
   *
   * @param {Place} place
   * @returns {Target | null}
   */
  at(place) {
    const owner = ownerAt([...this.#drawn.values()].map((drawn) => [drawn, drawn.mention.regions]), place, this.#view.size);
    return owner && { layer: owner.layer.id, mention: owner.index };
  }
}

/**
 * @param {Drawn} drawn
 * @param {Layer} layer
 * @param {Mention} mention
 */
function looksSame({ layer: oldLayer, mention: old }, layer, mention) {
  if (oldLayer.colour !== layer.colour || String(oldLayer.dash) !== String(layer.dash)) return false;
  return old === mention || (old.phrase === mention.phrase && old.kind === mention.kind && oldLayer.phrase === layer.phrase);
}

/**
 * Draws the regions that have come to a mention; those before stay as they are.
 *
 * @param {Drawn} drawn
 * @param {Layer} layer
 * @param {Mention} mention
 * @param {readonly Mention["regions"][number][]} added
 * @returns {Drawn} the same
 */
function grow(drawn, layer, mention, added) {
  const labels = added.map((region) => makeLabel(layer, mention, region, drawn.number));
  for (const { node } of labels) node.classList.toggle("hot", drawn.group.classList.contains("hot"));
  drawn.group.append(...added.flatMap((region) => drawRegion(region, layer.colour, layer.dash)));
  return Object.assign(drawn, { layer, mention, labels: [...drawn.labels, ...labels] });
}

/**
 * @param {Layer} layer
 * @param {Mention} mention
 * @param {number} index
 * @param {number} number of the layer
 * @returns {Drawn}
 */
function drawMention(layer, mention, index, number) {
  const { colour, dash } = layer;
  const group = svg(
    "g",
    { class: "mention", data: { mention: index } },
    mention.regions.map((region) => drawRegion(region, colour, dash)),
  );
  return { layer, number, index, mention, group, labels: mention.regions.map((region) => makeLabel(layer, mention, region, number)) };
}

/**
 * @param {Layer} layer
 * @param {Mention} mention
 * @param {Mention["regions"][number]} region
 * @param {string | number} number of the layer
 * @returns {Label}
 */
function makeLabel(layer, mention, region, number) {
  const phrase = layer.phrase || mention.phrase || String(number), short = shortenPhrase(phrase);
  const score = mention.kind === "calibrated" ? formatScore(region.confidence ?? mention.confidence) : "";
  const node = h(
    "span",
    { class: "label", style: { background: layer.colour }, title: short === phrase ? null : phrase, data: { number } },
    h("span", { dir: "auto" }, short),
    score && h("small", {}, score),
  );
  return { node, box: boundsOf(region), words: [short, score].filter(Boolean).join(" "), number: String(number) };
}
