import { h } from "../../dom.js";
import { say } from "../../../i18n/say.js";
import { boundsOf, fitRegion } from "../geometry/regions.js";
import { troubleWith } from "./typed_bounds.js";

/** @import { Bounds, Picture, Region } from "../types.js" */
/** @import { RegionEditor } from "./region_editor.js" */

const EDGES = ["x1", "y1", "x2", "y2"];

/** @typedef {{row: HTMLElement, head: HTMLElement, kind: HTMLElement, inputs: HTMLInputElement[], remove: HTMLElement, region: Region | null}} Row */

/** The marked regions as numbers to edit, in pixels. What is impossible is said and left for the person to correct. */
export class CoordinateTable {
  #editor;
  #complain;
  #body = h("tbody");
  #table;

  /** @type {Row[]} */
  #rows = [];

  /** @type {Picture | null} */
  #picture = null;

  /**
   * @param {RegionEditor} editor
   * @param {(words: string) => void} complain is given what is wrong; empty: nothing
   */
  constructor(editor, complain) {
    this.#editor = editor;
    this.#complain = complain;
    const heads = ["#", say("Region"), ...EDGES, ""];
    this.#table = h(
      "table",
      {},
      h("caption", {}, say("Marked regions, in pixels of the image")),
      h("thead", {}, h("tr", {}, heads.map((words) => (words ? h("th", { scope: "col" }, words) : h("td"))))),
      this.#body,
    );
    this.element = h(
      "div",
      { class: "coordinates" },
      this.#table,
      h("p", {},
        h("button", { type: "button", onclick: () => this.#add({ box: [0.25, 0.25, 0.75, 0.75] }) }, say("Add a box")),
        h("button", { type: "button", onclick: () => this.#add({ point: [0.5, 0.5] }) }, say("Add a point")),
        h("button", { type: "button", onclick: () => editor.clear() }, say("Clear regions"))),
    );
  }

  /** @param {Picture} picture */
  draw(picture) {
    const { regions } = this.#editor;
    this.#picture = picture;
    while (this.#rows.length > regions.length) this.#rows.pop()?.row.remove();
    while (this.#rows.length < regions.length) this.#append();
    this.#table.hidden = !regions.length;
    regions.forEach((region, index) => this.#fill(this.#rows[index], region, index, picture));
  }

  /** @param {Region} region */
  #add(region) {
    if (this.#editor.add(region)) this.#rows.at(-1)?.inputs[0].select();
  }

  #append() {
    /** @type {Row} */
    const made = {
      row: h("tr"),
      head: h("th", { scope: "row" }),
      kind: h("td", { class: "kind" }),
      inputs: EDGES.map((_, axis) => h("input", {
        type: "number", inputmode: "decimal", step: "any", min: 0, onchange: () => this.#read(made, axis),
      })),
      remove: h("button", { type: "button", class: "remove", onclick: () => this.#remove(made) }, "×"),
      region: null,
    };
    made.row.append(made.head, made.kind, ...made.inputs.map((input) => h("td", {}, input)), h("td", {}, made.remove));
    this.#rows.push(made);
    this.#body.append(made.row);
  }

  /** @param {Row} row */
  #remove(row) {
    const index = this.#rows.indexOf(row);
    this.#editor.remove(index);
    const next = this.#rows[Math.min(index, this.#rows.length - 1)];
    (next?.remove ?? this.element.querySelector("p button")).focus();
  }

  /** @param {number} axis */
  #length(axis) {
    return axis % 2 ? this.#picture?.height ?? 1 : this.#picture?.width ?? 1;
  }

  /**
   * All fields count, so that two values that are only valid together can be entered one by one.
   *
   * @param {Row} row
   * @param {number} changed which field
   */
  #read({ inputs, region }, changed) {
    if (!region || !this.#picture) return;
    const bounds = /** @type {Bounds} */ ([...boundsOf(region)]);
    const edges = region.point ? [0, 1] : [0, 1, 2, 3];
    for (const axis of edges)
      {if (axis === changed || inputs[axis].value !== inputs[axis].dataset.shown)
        {bounds[axis] = inputs[axis].value === "" ? NaN : Number(inputs[axis].value) / this.#length(axis);}}
    if (region.point) [bounds[2], bounds[3]] = bounds;
    const trouble = troubleWith(bounds, Boolean(region.point), this.#picture);
    for (const input of inputs) input.setAttribute("aria-invalid", String(Boolean(trouble)));
    this.#complain(trouble);
    if (!trouble) this.#editor.change(this.#editor.regions.indexOf(region), fitRegion(region, bounds));
  }

  /**
   * @param {Row} row
   * @param {Region} region
   * @param {number} index
   * @param {Picture} picture
   */
  #fill(row, region, index, picture) {
    if (row.region === region) return;
    const number = index + 1;
    const bounds = boundsOf(region);
    row.region = region;
    row.head.textContent = String(number);
    row.kind.textContent = region.box ? say("Box") : region.point ? say("Point") : say("Scribble");
    row.remove.setAttribute("aria-label", say("Delete region {number}", { number }));
    row.inputs.forEach((input, axis) => {
      input.hidden = Boolean(region.point) && axis > 1;
      input.max = String(axis % 2 ? picture.height : picture.width);
      input.setAttribute("aria-label", say("{edge} of region {number}, in pixels", { edge: EDGES[axis], number }));
      input.setAttribute("aria-invalid", "false");
      input.value = String(Math.round(bounds[axis] * this.#length(axis) * 10) / 10);
      input.dataset.shown = input.value;
    });
  }
}
