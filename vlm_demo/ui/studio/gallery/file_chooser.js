import { h } from "../../components/dom.js";
import { icon } from "../../components/canvas/icons.js";
import { ACCEPT, picturesAmong } from "../../components/canvas/picture_files.js";
import { say } from "../../i18n/say.js";

/** Chooses pictures among files, or takes one with the camera of a phone or a tablet. */
export class FileChooser {
  #input;

  /** @param {(files: File[]) => void} onFiles */
  constructor(onFiles) {
    const take = (/** @type {Event} */ { currentTarget }) => {
      const input = /** @type {HTMLInputElement} */ (currentTarget);
      const files = picturesAmong(input.files ?? []);
      if (files.length) onFiles(files);
      input.value = ""; // so that the same file can be chosen again
    };
    this.#input = h("input", { type: "file", accept: ACCEPT, multiple: true, "aria-label": say("Choose images"), onchange: take });
    this.element = h("label", { id: "studio-upload", class: "chooser" }, this.#input);
    const isTouched = matchMedia("(pointer: coarse)").matches;
    // A phone or a tablet takes the picture with a program of its own.
    this.touchCamera = isTouched ? buildCameraInput(take) : null;
  }

  open() {
    this.#input.click();
  }
}

/** @param {(event: Event) => void} onChange */
function buildCameraInput(onChange) {
  const input = h("input", { type: "file", accept: "image/*", capture: "environment", hidden: true, onchange: onChange });
  return h("span", {}, input,
    h("button", { type: "button", class: "quiet", onclick: () => input.click() }, icon("camera"), say("Take a photo")));
}
