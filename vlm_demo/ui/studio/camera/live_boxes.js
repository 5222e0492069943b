// Boxes over a picture that moves.
import { drawRegion, percent } from "../../components/canvas/drawing.js";
import { boundsOf } from "../../components/canvas/geometry/regions.js";
import { fill, h, svg } from "../../components/dom.js";

/** @typedef {import("../state/types.js").Mention} Mention */

/** Shows mentions in an element that lies over the picture. */
export class LiveBoxes {
  #drawing = svg("svg", { class: "live-drawing", "aria-hidden": "true" });
  #names = h("div", { class: "live-names", "aria-hidden": "true" });
  element = h("div", { class: "live-boxes" }, this.#drawing, this.#names);

  /** @param {readonly Mention[]} mentions */
  draw(mentions) {
    this.#drawing.replaceChildren(...mentions.flatMap(({ regions, colour, dash }) => regions.flatMap((region) => drawRegion(/** @type {any} */ (region), colour, dash))));
    fill(this.#names, mentions.flatMap(({ regions, phrase, target, colour }) => regions.map((region) => {
      const [x1, y1] = boundsOf(/** @type {any} */ (region));
      return h("span", { class: ["name", y1 < 0.08 && "inside"], style: { left: percent(x1), top: percent(y1), background: colour } }, phrase || target || "");
    })));
  }
}
