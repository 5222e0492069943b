import { arrange, h, setText } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { afterClick, afterRange, selectedKeys } from "./entries.js";
import { dropIndex, moveThing } from "./order.js";
import { createStripHead } from "./strip_head.js";
import { Thumbnail } from "./thumbnail.js";

/** @typedef {import("./entries.js").Entry} Entry */

/**
 * @typedef {object} StripOptions
 * @property {(entry: Entry) => void} onShow on the canvas
 * @property {(keys: Set<string>) => void} onSelect exactly these go with the next question
 * @property {(roots: string[]) => void} onOrder all files in their new order
 * @property {(root: string) => void} onRemove
 * @property {(inTurn: boolean) => void} onInTurn
 * @property {(root: string, page: number) => void} onFirst
 * @property {(oneFrame: boolean) => void} onOneFrame
 * @property {(entry: Entry) => void} onPlay
 * @property {(entry: Entry) => string} url "": there is nothing to show yet
 * @property {(entry: Entry) => void} onSeen it has come into sight
 */

const DRAG = 5; // pixels; less is a click
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

/** Pictures, pages or frames as a row of thumbnails: to choose from, to select, to put in order, to remove. */
export class PictureStrip {
  /** @type {Map<string, Thumbnail>} */
  #thumbnails = new Map();

  /** @type {readonly Entry[]} */
  #entries = [];

  /** @type {string | null} */
  #shown = null;

  /** @type {{key: string, from: number, isMoving: boolean} | null} */
  #drag = null;

  #options;
  #row = h("ol", { class: "strip-row" });
  #said = h("p", { class: "said", "aria-live": "polite" });
  #head;
  #sight;

  /**
   * @param {HTMLElement} host
   * @param {StripOptions} options
   */
  constructor(host, options) {
    this.#options = options;
    this.#head = createStripHead({
      onStep: (step) => this.#showAt(this.#at + step), onInTurn: options.onInTurn, onOneFrame: options.onOneFrame,
      onPlay: () => { const entry = this.#current; if (entry) options.onPlay(entry); },
      onSelectAll: (all) => options.onSelect(new Set(this.#entries.filter(({ key }) => all || key === this.#shown).map(({ key }) => key))),
      onFirst: (page) => { const entry = this.#current; if (entry) options.onFirst(entry.root, Math.min(page, entry.frames - 1)); },
      onRemoveFile: () => { const entry = this.#current; if (entry) options.onRemove(entry.root); },
    });
    this.element = h("div", { class: "picture-strip", role: "group", "aria-label": say("Images"), hidden: true }, this.#head.element, this.#row, this.#said);
    host.append(this.element);
    this.#row.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => this.#move(event));
    this.#row.addEventListener("pointerup", () => this.#drop());
    this.#row.addEventListener("pointercancel", () => this.#drop());
    this.#sight = new IntersectionObserver((seen) => seen.filter(({ isIntersecting }) => isIntersecting).forEach(({ target }) => this.#see(target)), { root: this.#row, rootMargin: "0px 200px" });
  }

  get #at() {
    return this.#entries.findIndex(({ key }) => key === this.#shown);
  }

  get #current() {
    return this.#entries[this.#at] ?? this.#entries[0];
  }

  /**
   * It is seen when there are at least two entries.
   *
   * @param {readonly Entry[]} entries
   * @param {string | null} shown key of the one that is on the canvas
   * @param {boolean} inTurn whether a question is asked about each by itself
   * @param {Parameters<ReturnType<typeof createStripHead>["draw"]>[3]} [state]
   */
  draw(entries, shown, inTurn, state = {}) {
    const before = this.#shown;
    this.#entries = entries;
    this.#shown = shown;
    this.element.hidden = entries.length < 2;
    /** @type {Map<string, Thumbnail>} */
    const next = new Map();
    const stop = this.#current?.key;
    for (const [index, entry] of this.element.hidden ? [] : entries.entries()) {
      const known = this.#thumbnails.get(entry.key), thumbnail = known ?? this.#make(entry.key);
      thumbnail.draw(entry, { number: index + 1, url: this.#options.url(entry), isShown: entry.key === shown, isStop: entry.key === stop });
      next.set(entry.key, thumbnail);
    }
    this.#thumbnails = next;
    if (!this.#drag?.isMoving) arrange(this.#row, [...next.values()].map(({ element }) => element));
    this.#head.draw(entries, this.#entries[this.#at], inTurn, state);
    const chosen = shown === null || shown === before ? null : next.get(shown);
    if (chosen && !this.#drag) chosen.element.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** Draws what has been loaded. */
  refresh() {
    const { url } = this.#options;
    this.#entries.forEach((entry, index) => this.#thumbnails.get(entry.key)?.draw(entry, { number: index + 1, url: url(entry), isShown: entry.key === this.#shown, isStop: entry.key === this.#current?.key }));
  }

  /** @param {string} key */
  #make(key) {
    const thumbnail = new Thumbnail(key, {
      onChoose: (one, event) => this.#choose(one, event), onToggle: (one) => this.#toggle(one), onRemove: (one) => this.#remove(one),
      onGrab: (one, event) => this.#grab(one, event), onKey: (one, event) => this.#press(one, event),
    });
    this.#sight.observe(thumbnail.element);
    return thumbnail;
  }

  /** @param {Element} element */
  #see(element) {
    const key = [...this.#thumbnails].find(([, one]) => one.element === element)?.[0], entry = this.#entries.find((one) => one.key === key);
    if (!entry) return;
    this.#options.onSeen(entry);
    this.#sight.unobserve(element);
  }

  /**
   * @param {string} key
   * @param {{shiftKey: boolean, ctrlKey: boolean, metaKey: boolean}} event
   */
  #choose(key, { shiftKey, ctrlKey, metaKey }) {
    const entry = this.#entries.find((one) => one.key === key);
    if (!entry) return;
    if (shiftKey) return this.#options.onSelect(afterRange(this.#entries, this.#shown, key));
    if (ctrlKey || metaKey) return this.#toggle(key);
    this.#options.onSelect(afterClick(this.#entries, entry));
    this.#options.onShow(entry);
  }

  /** @param {string} key */
  #toggle(key) {
    const keys = selectedKeys(this.#entries);
    if (!keys.delete(key)) keys.add(key);
    this.#options.onSelect(keys);
  }

  /** @param {number} at */
  #showAt(at) {
    const entry = this.#entries[at];
    if (entry) this.#choose(entry.key, { shiftKey: false, ctrlKey: false, metaKey: false });
    return entry;
  }

  /**
   * @param {string} key
   * @param {KeyboardEvent} event
   */
  #press(key, event) {
    const at = this.#entries.findIndex((one) => one.key === key), step = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
    if (step && event.altKey) this.#step(key, step);
    else if (step) this.#focusAt(at + step);
    else if (event.key === "Home") this.#focusAt(0);
    else if (event.key === "End") this.#focusAt(this.#entries.length - 1);
    else if (event.key === " ") this.#toggle(key);
    else if (event.key === "Delete") this.#remove(key);
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) this.#options.onSelect(new Set(this.#entries.map((one) => one.key)));
    else return;
    event.preventDefault();
  }

  /** @param {number} at */
  #focusAt(at) {
    const entry = this.#showAt(Math.max(0, Math.min(at, this.#entries.length - 1)));
    if (entry) this.#thumbnails.get(entry.key)?.focus();
  }

  get #roots() {
    return [...new Set(this.#entries.map(({ root }) => root))];
  }

  /** @param {string} key */
  #rootOf(key) {
    return this.#entries.find((one) => one.key === key)?.root ?? key;
  }

  /** @param {string} key */
  #remove(key) {
    const roots = this.#roots, root = this.#rootOf(key), index = roots.indexOf(root);
    const hadFocus = this.#thumbnails.get(key)?.element.contains(document.activeElement);
    this.#options.onRemove(root);
    if (hadFocus) this.#thumbnails.get(roots[index + 1] ?? roots[index - 1])?.focus();
  }

  /**
   * @param {string} key
   * @param {number} step
   */
  #step(key, step) {
    const roots = this.#roots, from = roots.indexOf(this.#rootOf(key));
    const to = Math.min(roots.length - 1, Math.max(0, from + step));
    this.#options.onOrder(moveThing(roots, from, to));
    setText(this.#said, say("Image {number} of {n}", { number: to + 1, n: roots.length }));
    this.#thumbnails.get(key)?.focus();
  }

  /**
   * @param {string} key
   * @param {PointerEvent} event
   */
  #grab(key, event) {
    if (event.button === 0 && event.pointerType !== "touch" && this.#roots.length > 1) this.#drag = { key, from: event.clientX, isMoving: false };
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
    this.#options.onOrder([...new Set([...this.#row.children].map((child) => this.#rootOf(byElement.get(/** @type {HTMLElement} */ (child)) ?? "")))]);
  }
}
