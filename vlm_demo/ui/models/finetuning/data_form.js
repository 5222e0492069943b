// Which model learns from what.
import { fill, h } from "../../components/dom.js";
import { FileField } from "../../components/file_field.js";
import { message, say } from "../../i18n/say.js";
import { upload } from "../../studio/api/upload.js";
import { explain } from "../problems.js";

/** @import { Learner } from "./types.js" */

const UPLOAD = "upload", CORRECTED = "corrected";

/** Where data comes from (`SourceKind`): its name, and what its file is called. */
const SOURCES = [
  { value: UPLOAD, title: message("Files"), file: message("File, or a ZIP of images and labels"), accept: ".zip,.json,.jsonl,.parquet" },
  { value: "batch", title: message("My newest batch") },
  { value: "votes", title: message("Votes of the arena") },
  { value: CORRECTED, title: message("Corrected answers of Studio"), file: message("Conversations that Studio saved: a file, or a ZIP of them"), accept: ".zip,.json" },
];

/** A form that shows examples; `onLook` is given what was chosen, and `onChange` called when that is another. */
export class DataForm {
  #onLook;
  #model = h("select", { name: "model" });
  #source = h("select", { name: "source", onchange: () => this.#choose() }, ...SOURCES.map(({ value, title }) => h("option", { value }, say(title))));
  #file = new FileField({ name: "file" });
  #about = h("span", {});
  #chooser = h("label", { class: "file" }, this.#about, this.#file.element);
  #look = h("button", { type: "submit" }, say("Show ten examples"));
  #state = h("p", { class: "state", role: "status" });
  #problem = h("p", { class: "state problem", role: "alert" });
  #reason = h("p", { class: "state" });

  /** @type {HTMLFormElement} */
  element = h("form", { class: "start", hidden: true, onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
    h("label", {}, h("span", {}, say("Model")), this.#model), h("label", {}, h("span", {}, say("Learns from")), this.#source), this.#chooser, this.#look,
    this.#state, this.#problem, this.#reason);

  /**
   * @param {(model: string, kind: string, path: string) => Promise<void>} onLook
   * @param {() => void} onChange
   */
  constructor(onLook, onChange) {
    this.#onLook = onLook;
    for (const control of [this.#model, this.#source, this.#file.input]) control.addEventListener("change", onChange);
    this.#choose();
  }

  /** @returns {string} name of the model that is to learn */
  get model() {
    return this.#model.value;
  }

  /**
   * @param {boolean} mayTrain
   * @param {Learner[]} models those that can learn come first
   */
  show(mayTrain, models) {
    const chosen = this.#model.value, able = models.filter(({ obstacle }) => !obstacle), others = models.filter(({ obstacle }) => obstacle);
    this.element.hidden = !mayTrain;
    fill(this.#model, ...able.map(({ name, title }) => h("option", { value: name }, say(title))),
      others.length > 0 && h("optgroup", { label: say("Cannot be fine-tuned") },
        ...others.map(({ name, title, obstacle }) => h("option", { value: name, disabled: true }, `${say(title)}: ${say(obstacle)}`))));
    if (able.some(({ name }) => name === chosen)) this.#model.value = chosen;
    this.#look.disabled = !able.length;
    this.#reason.textContent = able.length ? "" : say("No model on this computer can be fine-tuned. Load one first, under “All models”.");
  }

  #choose() {
    const { file, accept } = SOURCES.find(({ value }) => value === this.#source.value) ?? {};
    this.#chooser.hidden = !file;
    this.#file.clear();
    this.#file.input.accept = accept ?? "";
    this.#about.textContent = file ? say(file) : "";
    this.#problem.textContent = "";
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    const { file } = this.#file, kind = this.#source.value;
    if (!this.#chooser.hidden && !file) {
      this.#problem.textContent = say("Add a file first.");
      return;
    }
    this.#look.disabled = true;
    this.#problem.textContent = "";
    try {
      const path = file && !this.#chooser.hidden ? await this.#send(file) : "";
      this.#state.textContent = say("Reading the data…");
      await this.#onLook(this.model, kind, path);
    } catch (error) {
      this.#problem.textContent = explain(error);
    } finally {
      this.#state.textContent = "";
      this.#look.disabled = false;
    }
  }

  /** @param {File} file */
  #send(file) {
    return upload(file, file.name, { onProgress: (share) => { this.#state.textContent = say("Uploading: {percent} %", { percent: Math.round(100 * share) }); } });
  }
}
