import { h, svg } from "../../dom.js";
import { say } from "../../../i18n/say.js";
import { drawRegion, percent } from "../drawing.js";
import { boundsOf, handlesOf } from "../geometry/regions.js";
import { describeRegion } from "./region_words.js";

/** @import { Place, Picture, Region } from "../types.js" */
/** @import { PictureView } from "../picture_view.js" */
/** @import { RegionEditor } from "./region_editor.js" */

const HANDLE = 10; // pixels
const TAG_HEIGHT = 26;

/** @type {Record<string, Place>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** What a person marked, drawn with its numbers, which are buttons for keyboard and screen reader. */
export class RegionLayer {
  #view;
  #shapes;
  #tags;
  #editor;

  /**
   * @param {PictureView} view
   * @param {RegionEditor} editor
   * @param {SVGElement} shapes
   * @param {HTMLElement} tags
   */
  constructor(view, editor, shapes, tags) {
    this.#view = view;
    this.#editor = editor;
    this.#shapes = shapes;
    this.#tags = tags;
  }

  draw() {
    const { picture } = this.#view;
    if (!picture) return;
    const { regions, selected, draft } = this.#editor;
    const all = draft ? [...regions, draft] : regions;
    const groups = all.map((region, index) =>
      svg("g", { class: ["region", index === selected && "selected"] }, drawRegion(region)));
    this.#shapes.replaceChildren(...groups, ...(regions[selected] ? drawHandles(regions[selected]) : []));
    while (this.#tags.childElementCount > regions.length) this.#tags.lastElementChild?.remove();
    while (this.#tags.childElementCount < regions.length) this.#tags.append(this.#buildTag());
    regions.forEach((region, index) => this.#fillTag(region, index, picture));
  }

  /** @param {number} index */
  focus(index) {
    const tag = this.#tags.children[index]?.firstElementChild;
    if (tag instanceof HTMLElement) tag.focus({ preventScroll: true });
  }

  get hasFocus() {
    return this.#tags.contains(document.activeElement);
  }

  /**
   * The region whose number an element belongs to, or -1.
   *
   * @param {EventTarget | null} target
   */
  ownerOf(target) {
    const tag = target instanceof Element ? target.closest(".tag") : null;
    return tag ? [...this.#tags.children].indexOf(tag) : -1;
  }

  #buildTag() {
    const own = () => this.ownerOf(tag);
    const tag = h(
      "span",
      { class: "tag" },
      h("button", {
        type: "button", class: "number", onfocus: () => this.#editor.select(own()),
        onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event, own()),
      }),
      h("button", { type: "button", class: "delete", onclick: () => this.#editor.remove(own()) }, "×"),
    );
    return tag;
  }

  /**
   * @param {Region} region
   * @param {number} index
   * @param {Picture} picture
   */
  #fillTag(region, index, picture) {
    const tag = /** @type {HTMLElement} */ (this.#tags.children[index]);
    const [number, remove] = /** @type {HTMLElement[]} */ ([...tag.children]);
    const [x1, y1] = boundsOf(region);
    tag.style.left = percent(x1);
    tag.style.top = percent(y1);
    tag.classList.toggle("selected", index === this.#editor.selected);
    tag.classList.toggle("inside", y1 * this.#view.size[1] < TAG_HEIGHT);
    tag.classList.toggle("leftwards", x1 > 0.9);
    number.textContent = String(index + 1);
    number.setAttribute("aria-label", `${describeRegion(region, index + 1, picture)}. ${
      say("Arrow keys move it, with Shift they resize it, Delete removes it.")}`);
    remove.setAttribute("aria-label", say("Delete region {number}", { number: index + 1 }));
  }

  /**
   * @param {KeyboardEvent} event
   * @param {number} index
   */
  #key(event, index) {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    this.#editor.nudge(index, step, event.shiftKey);
    event.preventDefault();
    event.stopPropagation();
  }
}

/** @param {Region} region */
const drawHandles = (region) => handlesOf(region).map(([x, y]) => svg("rect", {
  class: "handle", x: percent(x), y: percent(y), width: HANDLE, height: HANDLE,
  transform: `translate(${-HANDLE / 2} ${-HANDLE / 2})`,
}));
