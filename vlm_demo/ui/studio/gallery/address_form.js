import { h, setText } from "../../components/dom.js";
import { icon } from "../../components/canvas/icons.js";
import { say } from "../../i18n/say.js";

/** A button that unfolds a field for the address of a picture. */
export class AddressForm {
  #onAddress;
  #field;
  #form;
  #problem;
  #button;

  /** @param {(address: string) => Promise<void>} onAddress throws an error whose message says why there is no picture */
  constructor(onAddress) {
    this.#onAddress = onAddress;
    this.#field = h("input", { type: "url", required: true, placeholder: "https://", "aria-label": say("Address of an image"), autocomplete: "off" });
    this.#problem = h("p", { class: "problem", role: "alert", hidden: true });
    this.#form = h("form", { class: "address", hidden: true, novalidate: true, onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      this.#field, h("button", { type: "submit", class: "quiet" }, say("Add")), this.#problem);
    this.#button = h("button", { type: "button", class: "quiet", "aria-expanded": "false", onclick: () => this.#unfold() },
      icon("link"), say("From a web address"));
    this.element = h("span", { class: "by-address" }, this.#button, this.#form);
  }

  #unfold() {
    this.#form.hidden = !this.#form.hidden;
    this.#button.setAttribute("aria-expanded", String(!this.#form.hidden));
    if (!this.#form.hidden) this.#field.focus();
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    const address = this.#field.value.trim();
    if (!address) return;
    this.#tell("");
    this.#form.inert = true;
    try {
      await this.#onAddress(address);
      this.#field.value = "";
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error));
    } finally {
      this.#form.inert = false;
    }
  }

  /** @param {string} words */
  #tell(words) {
    setText(this.#problem, words);
    this.#problem.hidden = !words;
  }
}
