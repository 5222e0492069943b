import { h, setText } from "../../components/dom.js";
import { icon } from "../../components/canvas/icons.js";
import { icon as studioIcon } from "../icons.js";
import { say } from "../../i18n/say.js";
import { describeTime } from "./times.js";

/** @typedef {import("./entries.js").Entry} Entry */

/**
 * @typedef {object} ThumbnailActions
 * @property {(key: string, event: {shiftKey: boolean, ctrlKey: boolean, metaKey: boolean}) => void} onChoose
 * @property {(key: string) => void} onToggle it goes with the next question, or not any more
 * @property {(key: string) => void} onRemove
 * @property {(key: string, event: PointerEvent) => void} onGrab
 * @property {(key: string, event: KeyboardEvent) => void} onKey
 */

/** One entry of the strip. */
export class Thumbnail {
  #image = h("img", { alt: "", draggable: "false", decoding: "async" });
  #number = h("span", { class: "number" });
  #mark = h("span", { class: "mark", "aria-hidden": "true" }, studioIcon("check"));
  #choose;
  #remove;

  /**
   * @param {string} key
   * @param {ThumbnailActions} actions
   */
  constructor(key, { onChoose, onToggle, onRemove, onGrab, onKey }) {
    this.#choose = h("button", {
      type: "button", class: "thumbnail", onkeydown: (/** @type {KeyboardEvent} */ event) => onKey(key, event),
      onclick: (/** @type {MouseEvent} */ event) => (event.target instanceof Node && this.#mark.contains(event.target) ? onToggle(key) : onChoose(key, event)),
    }, this.#image, this.#number, this.#mark);
    this.#remove = h("button", { type: "button", class: "remove", tabindex: -1, onclick: () => onRemove(key) }, icon("close"));
    this.element = h("li", { onpointerdown: (/** @type {PointerEvent} */ event) => onGrab(key, event) }, this.#choose, this.#remove);
  }

  /**
   * @param {Entry} entry
   * @param {{number: number, url: string, isShown: boolean, isStop: boolean}} look `number`: its place among all, from 1;
   *   `isStop`: the focus comes to it first
   */
  draw({ name, frame, frames, kind, time, isSelected }, { number, url, isShown, isStop }) {
    const isPart = frames > 1;
    if (url && this.#image.getAttribute("src") !== url) this.#image.src = url;
    this.#image.hidden = !url;
    setText(this.#number, time !== null ? describeTime(time) : String(isPart ? frame + 1 : number));
    this.#choose.setAttribute("aria-current", String(isShown));
    this.#choose.setAttribute("aria-pressed", String(isSelected));
    this.#choose.tabIndex = isStop ? 0 : -1;
    this.#choose.title = isPart ? labelOf(kind, frame, time) : name;
    this.#choose.setAttribute("aria-label", isPart
      ? say("{part} of {name}. Space takes it along or leaves it out", { part: labelOf(kind, frame, time), name })
      : say("Image {number}: {name}. Alt and arrow keys move it", { number, name }));
    this.#remove.hidden = isPart;
    this.#remove.setAttribute("aria-label", say("Remove image {number}", { number }));
  }

  focus() {
    this.#choose.focus();
  }
}

/**
 * What a page or frame is called.
 * @param {import("../state/types.js").PictureKind} kind
 * @param {number} frame from 0
 * @param {number | null} time
 */
export function labelOf(kind, frame, time) {
  if (kind === "document") return say("Page {number}", { number: frame + 1 });
  return time === null ? say("Frame {number}", { number: frame + 1 }) : say("Frame at {time}", { time: describeTime(time) });
}
