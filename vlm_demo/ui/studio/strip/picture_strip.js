import { arrange, h, setText } from "../../components/dom.js";
import { icon } from "../../components/canvas/icons.js";
import { say } from "../../i18n/say.js";
import { dropIndex, moveThing } from "./order.js";

/**
 * @typedef {{key: string, name: string, url: string}} StripPicture `url` is empty while there is nothing to show
 *
 * @typedef {object} StripOptions
 * @property {(key: string) => void} onChoose
 * @property {(keys: string[]) => void} onOrder all pictures in their new order
 * @property {(key: string) => void} onRemove
 */

const DRAG = 5; // pixels; less is a click

/** Several pictures as a row of thumbnails: to choose from, to put in order by dragging, to remove. */
export class PictureStrip {
  /** @type {Map<string, Thumbnail>} */
  #thumbnails = new Map();

  /** @type {{key: string, from: number, isMoving: boolean} | null} */
  #drag = null;

  #options;
  #row = h("ol", { class: "strip-row" });
  #said = h("p", { class: "said", "aria-live": "polite" });

  /**
   * @param {HTMLElement} host
   * @param {StripOptions} options
   */
  constructor(host, options) {
    this.#options = options;
    this.element = h("div", { class: "picture-strip", role: "group", "aria-label": say("Images"), hidden: true }, this.#row, this.#said);
    host.append(this.element);
    this.#row.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => this.#move(event));
    this.#row.addEventListener("pointerup", () => this.#drop());
    this.#row.addEventListener("pointercancel", () => this.#drop());
  }

  /**
   * It is seen when there are at least two pictures.
   *
   * @param {readonly StripPicture[]} pictures
   * @param {string | null} shown key of the one that is on the canvas
   */
  draw(pictures, shown) {
    this.element.hidden = pictures.length < 2;
    /** @type {Map<string, Thumbnail>} */
    const next = new Map();
    pictures.forEach((picture, index) => {
      const thumbnail = this.#thumbnails.get(picture.key) ?? new Thumbnail(picture.key, {
        onChoose: this.#options.onChoose, onRemove: (key) => this.#remove(key),
        onGrab: (key, event) => this.#grab(key, event), onStep: (key, step) => this.#step(key, step),
      });
      thumbnail.draw(picture, index, picture.key === shown);
      next.set(picture.key, thumbnail);
    });
    this.#thumbnails = next;
    if (!this.#drag?.isMoving) arrange(this.#row, [...next.values()].map(({ element }) => element));
    const chosen = shown === null ? null : next.get(shown);
    if (chosen && !this.#drag) chosen.element.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  get #keys() {
    return [...this.#thumbnails.keys()];
  }

  /** @param {string} key */
  #remove(key) {
    const keys = this.#keys;
    const index = keys.indexOf(key);
    const hadFocus = this.#thumbnails.get(key)?.element.contains(document.activeElement);
    this.#options.onRemove(key);
    if (hadFocus) this.#thumbnails.get(keys[index + 1] ?? keys[index - 1])?.focus();
  }

  /**
   * @param {string} key
   * @param {number} step
   */
  #step(key, step) {
    const keys = this.#keys;
    const to = Math.min(keys.length - 1, Math.max(0, keys.indexOf(key) + step));
    this.#options.onOrder(moveThing(keys, keys.indexOf(key), to));
    setText(this.#said, say("Image {number} of {n}", { number: to + 1, n: keys.length }));
    this.#thumbnails.get(key)?.focus();
  }

  /**
   * @param {string} key
   * @param {PointerEvent} event
   */
  #grab(key, event) {
    if (event.button === 0 && event.pointerType !== "touch") this.#drag = { key, from: event.clientX, isMoving: false };
  }

  /** @param {PointerEvent} event */
  #move({ clientX, pointerId, buttons }) {
    const drag = this.#drag;
    const element = drag && this.#thumbnails.get(drag.key)?.element;
    if (!drag || !element || !buttons) return;
    if (!drag.isMoving && Math.abs(clientX - drag.from) < DRAG) return;
    if (!drag.isMoving) this.#row.setPointerCapture(pointerId);
    drag.isMoving = true;
    element.classList.add("dragged");
    const others = [...this.#row.children].filter((child) => child !== element);
    const index = dropIndex(others.map((other) => other.getBoundingClientRect()), clientX);
    if ((others[index] ?? null) !== element.nextElementSibling) this.#row.insertBefore(element, others[index] ?? null);
  }

  #drop() {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag?.isMoving) return;
    const byElement = new Map([...this.#thumbnails].map(([key, { element }]) => [element, key]));
    this.#thumbnails.get(drag.key)?.element.classList.remove("dragged");
    this.#options.onOrder([...this.#row.children].map((child) => byElement.get(/** @type {HTMLElement} */ (child)) ?? ""));
  }
}

/**
 * @typedef {object} ThumbnailActions
 * @property {(key: string) => void} onChoose
 * @property {(key: string) => void} onRemove
 * @property {(key: string, event: PointerEvent) => void} onGrab
 * @property {(key: string, step: number) => void} onStep
 */

class Thumbnail {
  #image = h("img", { alt: "", draggable: "false", loading: "lazy", decoding: "async" });
  #number = h("span", { class: "number" });
  #choose;
  #remove;

  /**
   * @param {string} key
   * @param {ThumbnailActions} actions
   */
  constructor(key, { onChoose, onRemove, onGrab, onStep }) {
    this.#choose = h("button", {
      type: "button", class: "thumbnail", onclick: () => onChoose(key),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (event.key === "Delete") onRemove(key);
        else if (!step || !event.altKey) return;
        else onStep(key, step);
        event.preventDefault();
      },
    }, this.#image, this.#number);
    this.#remove = h("button", { type: "button", class: "remove", onclick: () => onRemove(key) }, icon("close"));
    this.element = h("li", { onpointerdown: (/** @type {PointerEvent} */ event) => onGrab(key, event) }, this.#choose, this.#remove);
  }

  /**
   * @param {StripPicture} picture
   * @param {number} index
   * @param {boolean} isShown
   */
  draw({ name, url }, index, isShown) {
    const number = index + 1;
    if (url && this.#image.getAttribute("src") !== url) this.#image.src = url;
    this.#image.hidden = !url;
    setText(this.#number, String(number));
    this.#choose.setAttribute("aria-pressed", String(isShown));
    this.#choose.setAttribute("aria-label", say("Image {number}: {name}. Alt and arrow keys move it", { number, name }));
    this.#choose.title = name;
    this.#remove.setAttribute("aria-label", say("Remove image {number}", { number }));
  }

  focus() {
    this.#choose.focus();
  }
}
