import { h, setText } from "../../components/dom.js";
import { icon } from "../../components/canvas/icons.js";
import { say } from "../../i18n/say.js";

/** A window in which a picture is taken with the camera of a computer. It is on the page while it is open. */
export class CameraDialog {
  /** @type {MediaStream | null} */
  #stream = null;

  #onFiles;
  #video = h("video", { autoplay: true, playsinline: true, muted: true });
  #problem = h("p", { class: "problem", role: "alert", hidden: true });
  #shutter;
  #dialog;

  /** @param {(files: File[]) => void} onFiles */
  constructor(onFiles) {
    this.#onFiles = onFiles;
    this.#shutter = h("button", { type: "button", class: "quiet shutter", disabled: true, onclick: () => this.#take() }, icon("camera"), say("Take a photo"));
    this.#dialog = h(
      "dialog",
      { class: "camera", "aria-label": say("Camera"), onclose: () => this.#stop() },
      this.#video,
      this.#problem,
      h("div", { class: "camera-buttons" }, this.#shutter,
        h("button", { type: "button", class: "quiet", onclick: () => this.#dialog.close() }, say("Cancel"))),
    );
  }

  /** @param {HTMLElement} host */
  async open(host) {
    host.append(this.#dialog);
    this.#dialog.showModal();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 } } });
      if (!this.#dialog.open) stream.getTracks().forEach((track) => track.stop());
      else {
        this.#stream = stream;
        this.#video.srcObject = stream;
        this.#shutter.disabled = false;
        this.#shutter.focus();
      }
    } catch {
      setText(this.#problem, say("The camera cannot be used: it is busy, or the browser does not allow it."));
      this.#problem.hidden = false;
    }
  }

  #take() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (!width) return;
    const copy = h("canvas", { width, height });
    copy.getContext("2d")?.drawImage(this.#video, 0, 0);
    copy.toBlob((/** @type {Blob | null} */ blob) => {
      if (blob) this.#onFiles([new File([blob], `${say("Photo")}.jpg`, { type: "image/jpeg" })]);
      this.#dialog.close();
    }, "image/jpeg", 0.95);
  }

  #stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
    this.#shutter.disabled = true;
    this.#problem.hidden = true;
    this.#dialog.remove();
  }
}
