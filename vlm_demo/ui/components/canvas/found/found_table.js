import { h } from "../../dom.js";
import { say } from "../../../i18n/say.js";
import { formatScore } from "./mention_words.js";
import { pixelBounds } from "../marking/region_words.js";

/** @import { Layer, Mention, FoundRegion, Picture } from "../types.js" */

/** What was found, in pixels: for those who cannot see the picture, and to copy. */
export class FoundTable {
  #rows = h("tbody");

  constructor() {
    const heads = [say("Phrase"), "x1", "y1", "x2", "y2", say("Score")];
    this.element = h(
      "table",
      { class: "found" },
      h("caption", {}, say("Objects, in pixels of the image")),
      h("thead", {}, h("tr", {}, heads.map((words) => h("th", { scope: "col" }, words)))),
      this.#rows,
    );
  }

  /**
   * @param {readonly Layer[]} layers
   * @param {Picture} picture
   */
  draw(layers, picture) {
    const rows = layers.flatMap((layer) => (layer.visible ? layer.mentions : []).flatMap((mention) =>
      mention.regions.map((region) => buildRow(layer.phrase || mention.phrase, mention, region, picture))));
    this.#rows.replaceChildren(...rows);
    this.element.hidden = !rows.length;
  }
}

/**
 * @param {string} phrase
 * @param {Mention} mention
 * @param {FoundRegion} region
 * @param {Picture} picture
 */
function buildRow(phrase, mention, region, picture) {
  const bounds = pixelBounds(region, picture);
  const cells = region.point ? [...bounds.slice(0, 2), "", ""] : bounds;
  return h(
    "tr",
    {},
    h("th", { scope: "row", dir: "auto" }, phrase || say("unnamed")),
    cells.map((value) => h("td", {}, String(value))),
    h("td", {}, scoreInWords(mention, region)),
  );
}

/**
 * A score with what it counts: that the model wrote these words, or that there is such a box.
 *
 * @param {Mention} mention
 * @param {FoundRegion} region
 */
function scoreInWords({ kind, confidence }, region) {
  const score = formatScore(region.confidence ?? confidence);
  if (!score) return "";
  return kind === "calibrated" ? say("{score} (calibrated)", { score }) : say("{score} (token probability)", { score });
}
