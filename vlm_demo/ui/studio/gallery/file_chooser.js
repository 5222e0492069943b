import { h } from "../../components/dom.js";
import { icon } from "../../components/canvas/icons.js";
import { ACCEPT, picturesAmong } from "../../components/canvas/picture_files.js";
import { say } from "../../i18n/say.js";
import { CameraDialog } from "./camera_dialog.js";

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
    this.camera = matchMedia("(pointer: coarse)").matches ? buildCameraInput(take) : buildCameraButton(onFiles);
  }

  open() {
    this.#input.click();
  }
}

/**
 * A phone or a tablet takes the picture with a program of its own.
 *
 * @param {(event: Event) => void} onChange
 */
function buildCameraInput(onChange) {
  const input = h("input", { type: "file", accept: "image/*", capture: "environment", hidden: true, onchange: onChange });
  return h("span", {}, input,
    h("button", { type: "button", class: "quiet", onclick: () => input.click() }, icon("camera"), say("Take a photo")));
}

/**
 * The button is seen on a computer that has a camera.
 *
 * @param {(files: File[]) => void} onFiles
 */
function buildCameraButton(onFiles) {
  const dialog = new CameraDialog(onFiles);
  const button = h("button", {
    type: "button", class: "quiet", hidden: true, onclick: () => void dialog.open(button.parentElement),
  }, icon("camera"), say("Take a photo"));
  navigator.mediaDevices?.enumerateDevices()
    .then((devices) => { button.hidden = !devices.some(({ kind }) => kind === "videoinput"); })
    .catch(() => {}); // without permission to look, there is no button
  return button;
}
