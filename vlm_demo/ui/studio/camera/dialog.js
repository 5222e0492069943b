// The camera: a window in which a picture is taken, or the same is asked about what the camera sees, again and again.
import { fill, h, setText } from "../../components/dom.js";
import { icon } from "../../components/canvas/icons.js";
import { onViewChange } from "../../header/views.js";
import { say } from "../../i18n/say.js";
import { problemOf } from "../api/problems.js";
import { addTags, cutNames } from "../composer/tags.js";
import { translate } from "../server_text.js";
import { Live, LookFailed } from "./live.js";
import { LiveBoxes } from "./live_boxes.js";
import { closeCamera, openCamera } from "./opening.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Answer} Answer */

/** Longest side, in pixels, of the pictures that are asked about: boxes need no more. */
const LIVE_SIDE = 768;
const JPEG_LIVE = 0.8, JPEG_PHOTO = 0.95;

/** It is on the page while it is open; closing it turns the camera off. */
export class CameraDialog {
  /** @type {MediaStream | null} */
  #stream = null;
  #studio;
  #live;
  #boxes = new LiveBoxes();
  #video = h("video", { autoplay: true, playsinline: true, muted: true });
  #view = h("div", { class: "camera-view" }, this.#video, this.#boxes.element);
  #problem = h("p", { class: "problem", role: "alert", hidden: true });
  #said = h("p", { class: "camera-said", role: "status" });
  #task = h("select", { "aria-label": say("What is asked") }, h("option", { value: "grounding" }, say("Find objects")), h("option", { value: "caption" }, say("Caption")), h("option", { value: "vqa" }, say("Ask")));
  #words = h("input", { type: "text", dir: "auto", "aria-label": say("Objects or question"), placeholder: say("Objects to find, e.g. cat, red circle") });
  #shutter = h("button", { type: "button", class: "button primary", disabled: true, onclick: () => this.#take() }, icon("camera"), say("Take a photo"));
  #start = h("button", { type: "submit", class: "button", disabled: true });
  #dialog;

  /** @param {Studio} studio */
  constructor(studio) {
    this.#studio = studio;
    this.#live = new Live({
      grab: () => this.#draw(LIVE_SIDE)?.toDataURL("image/jpeg", JPEG_LIVE) ?? null,
      onAnswer: (answer, seconds) => this.#show(answer, seconds),
      onEnd: (error) => this.#end(error),
    });
    const form = h("form", { class: "camera-live", onsubmit: (/** @type {Event} */ event) => this.#toggle(event) }, this.#task, this.#words, this.#start);
    this.#task.addEventListener("change", () => this.#showForm());
    this.#words.addEventListener("input", () => this.#showForm());
    this.#dialog = h(
      "dialog", { class: "camera", "aria-label": say("Camera"), onclose: () => this.#close() }, this.#view, this.#problem, form, this.#said,
      h("div", { class: "camera-buttons" }, this.#shutter, h("button", { type: "button", class: "button", onclick: () => this.#dialog.close() }, say("Close"))),
    );
    onViewChange(() => this.#dialog.open && this.#dialog.close());
    addEventListener("pagehide", () => this.#close());
    document.addEventListener("visibilitychange", () => document.hidden && this.#stopLive());
  }

  /** @param {HTMLElement} host */
  async open(host) {
    host.append(this.#dialog);
    this.#dialog.showModal();
    this.#showForm();
    try {
      const stream = await openCamera(navigator.mediaDevices);
      if (!this.#dialog.open) return closeCamera(stream);
      this.#stream = stream;
      stream.getVideoTracks()[0]?.addEventListener("ended", () => this.#dialog.open && this.#dialog.close());
      this.#video.srcObject = stream;
      this.#shutter.disabled = false;
      this.#showForm();
      this.#shutter.focus();
    } catch (error) {
      this.#tell(translate(problemOf(error).message));
    }
  }

  /**
   * The present picture.
   * @param {number} [side] longest side in pixels
   * @returns {HTMLCanvasElement | null} null: the camera has given none yet
   */
  #draw(side = Infinity) {
    const { videoWidth, videoHeight } = this.#video;
    if (!videoWidth) return null;
    const scale = Math.min(1, side / Math.max(videoWidth, videoHeight)), width = Math.round(videoWidth * scale), height = Math.round(videoHeight * scale);
    const copy = h("canvas", { width, height });
    copy.getContext("2d")?.drawImage(this.#video, 0, 0, width, height);
    return copy;
  }

  #take() {
    this.#draw()?.toBlob((/** @type {Blob | null} */ blob) => {
      if (blob) this.#studio.addFiles([new File([blob], `${say("Photo")}.jpg`, { type: "image/jpeg" })]);
      this.#dialog.close();
    }, "image/jpeg", JPEG_PHOTO);
  }

  get #needsWords() {
    return this.#task.value !== "caption";
  }

  #showForm() {
    const runs = this.#live.isRunning;
    this.#words.hidden = !this.#needsWords;
    this.#words.placeholder = this.#task.value === "vqa" ? say("One question about the image…") : say("Objects to find, e.g. cat, red circle");
    this.#task.disabled = this.#words.disabled = runs;
    this.#start.disabled = !this.#stream || (!runs && this.#needsWords && !this.#words.value.trim());
    this.#start.classList.toggle("primary", runs);
    fill(this.#start, runs ? say("Stop") : say("Ask live"));
  }

  /** @param {Event} event */
  #toggle(event) {
    event.preventDefault();
    if (this.#live.isRunning) return this.#stopLive();
    const { model } = this.#studio.store.get(), task = this.#task.value, text = this.#words.value.trim();
    this.#tell("");
    setText(this.#said, say("Waiting for the model…"));
    void this.#live.start({ model, task, text: task === "vqa" ? text : "", targets: task === "grounding" ? addTags([], cutNames(text)) : [] });
    this.#showForm();
  }

  /**
   * @param {Answer} answer
   * @param {number} seconds
   */
  #show(answer, seconds) {
    const { mentions, plain, outcome } = answer, time = say("{seconds} s an answer", { seconds: seconds.toFixed(1) });
    this.#boxes.draw(mentions);
    fill(this.#said, h("span", { dir: "auto" }, this.#task.value === "grounding" ? translate(outcome) : plain), h("span", { class: "hint" }, time));
    this.#said.dataset.answers = String(Number(this.#said.dataset.answers ?? 0) + 1);
  }

  /** @param {unknown} error */
  #end(error) {
    this.#stopLive();
    this.#tell(translate(error instanceof LookFailed ? error.told : problemOf(error).message));
  }

  #stopLive() {
    this.#live.stop();
    this.#boxes.draw([]);
    fill(this.#said);
    this.#showForm();
  }

  /** @param {string} words */
  #tell(words) {
    setText(this.#problem, words);
    this.#problem.hidden = !words;
  }

  #close() {
    closeCamera(this.#stream);
    this.#stream = null;
    this.#video.srcObject = null;
    this.#stopLive();
    this.#tell("");
    this.#shutter.disabled = true;
    this.#dialog.remove();
  }
}
