import { h, setText } from "../../components/dom.js";
import { say } from "../../i18n/say.js";

/** A field for the address of a picture, which is seen once it is asked for. */
export class AddressForm {
  #onAddress;
  #field;
  #problem;

  /** @param {(address: string) => Promise<void>} onAddress throws an error whose message says why there is no picture */
  constructor(onAddress) {
    this.#onAddress = onAddress;
    this.#field = h("input", { type: "url", required: true, placeholder: "https://", "aria-label": say("Address of an image"), autocomplete: "off" });
    this.#problem = h("p", { class: "problem", role: "alert", hidden: true });
    this.element = h("form", { class: "address", hidden: true, novalidate: true, onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      this.#field, h("button", { type: "submit", class: "quiet" }, say("Add")), this.#problem);
  }

  open() {
    this.element.hidden = false;
    this.#field.focus();
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    const address = this.#field.value.trim();
    if (!address) return;
    this.#tell("");
    this.element.inert = true;
    try {
      await this.#onAddress(address);
      this.#field.value = "";
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error));
    } finally {
      this.element.inert = false;
    }
  }

  /** @param {string} words */
  #tell(words) {
    setText(this.#problem, words);
    this.#problem.hidden = !words;
  }
}
