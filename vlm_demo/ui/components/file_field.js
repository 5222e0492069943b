// A field for one file whose words are in the language of the page, not in the browser's.
import { say } from "../i18n/say.js";
import { h } from "./dom.js";

/** A button that opens the browser's file dialog, with the name of the file that was chosen. */
export class FileField {
  #state = h("span", { class: "file-field-state", "aria-hidden": "true" });

  /** @type {HTMLInputElement} */
  input;

  /** @type {HTMLElement} it goes into a `label` with what the file is called */
  element;

  /** @param {Record<string, string>} attributes of the input */
  constructor(attributes) {
    this.input = h("input", { type: "file", ...attributes, onchange: () => this.#draw() });
    this.element = h("span", { class: "file-field" }, this.input, this.#state);
    this.#draw();
  }

  /** @returns {File | undefined} the file that is chosen */
  get file() {
    return this.input.files?.[0];
  }

  clear() {
    this.input.value = "";
    this.#draw();
  }

  #draw() {
    this.#state.textContent = this.file?.name ?? say("Choose a file");
  }
}
