import { h, setText } from "../dom.js";

const SHOWN_MS = 8000;

/** What a canvas tells: in words on the picture when something is wrong, and to a screen reader after each change. */
export class Messages {
  #hiding = 0;

  constructor() {
    this.trouble = h("p", { class: "trouble", role: "alert", hidden: true });
    this.said = h("p", { class: "said", "aria-live": "polite" });
  }

  /** @param {string} words */
  announce(words) {
    setText(this.said, words);
  }

  /** @param {string} words empty: nothing is wrong any more */
  complain(words) {
    clearTimeout(this.#hiding);
    setText(this.trouble, words);
    this.trouble.hidden = !words;
    if (words) this.#hiding = window.setTimeout(() => this.complain(""), SHOWN_MS);
  }
}
