import { h } from "../../components/dom.js";
import { icon } from "../../components/canvas/icons.js";
import { ACCEPT, picturesAmong } from "../../components/canvas/picture_files.js";
import { say } from "../../i18n/say.js";
import { CameraDialog } from "./camera_dialog.js";

/** Chooses pictures among files, or takes one with the camera of a phone or a tablet. */
export class FileChooser {
  #dialog;
  #input;

  /** Whether this computer has a camera that a dialog can use. */
  hasCamera = false;

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
    this.#dialog = new CameraDialog(onFiles);
    if (isTouched) return;
    navigator.mediaDevices?.enumerateDevices()
      .then((devices) => { this.hasCamera = devices.some(({ kind }) => kind === "videoinput"); })
      .catch(() => {}); // without permission to look, no camera is offered
  }

  open() {
    this.#input.click();
  }

  /** Takes a picture with the camera of a computer. @param {HTMLElement} host of the dialog */
  photograph(host) {
    void this.#dialog.open(host);
  }
}

/** @param {(event: Event) => void} onChange */
function buildCameraInput(onChange) {
  const input = h("input", { type: "file", accept: "image/*", capture: "environment", hidden: true, onchange: onChange });
  return h("span", {}, input,
    h("button", { type: "button", class: "quiet", onclick: () => input.click() }, icon("camera"), say("Take a photo")));
}
