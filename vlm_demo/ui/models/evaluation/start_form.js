// Starts a run on this computer, shows how far it is, and stops it.
import { fill, h } from "../../components/dom.js";
import { FileField } from "../../components/file_field.js";
import { message, say } from "../../i18n/say.js";
import { upload } from "../../studio/api/upload.js";
import { Follower } from "../follower.js";
import { explain } from "../problems.js";

/** @import { Board, Job } from "./types.js" */

const BENCHMARKS = [
  ["scenes", message("Drawn scenes")], ["scenes-choices", message("Multiple choice about drawn scenes")], ["own", message("Own questions")],
];

/** A form; `onEnd` is called when a run has ended. */
export class StartForm {
  #onEnd;
  #follower = new Follower("models_evaluation_job", ({ job }) => this.#draw(job));

  #benchmark = h("select", { onchange: () => this.#choose() }, ...BENCHMARKS.map(([value, words]) => h("option", { value }, say(words))));
  #model = h("select", {});
  #count = h("input", { type: "number", min: 1, max: 20000, value: "100" });
  #file = new FileField({ accept: ".zip" });
  #zip = h("label", { hidden: true }, h("span", {}, say("ZIP that Studio saved")), this.#file.element);
  #start = h("button", { type: "submit", class: "primary" }, say("Start"));
  #stop = h("button", { type: "button", hidden: true, onclick: () => void this.#halt() }, say("Stop"));
  #state = h("p", { class: "state", role: "status" });

  /** @type {HTMLFormElement} */
  element = h("form", { class: "start", hidden: true, onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
    h("label", {}, h("span", {}, say("Benchmark")), this.#benchmark), h("label", {}, h("span", {}, say("Model")), this.#model),
    h("label", {}, h("span", {}, say("Questions, about")), this.#count), this.#zip, this.#start, this.#stop, this.#state);

  /** @param {() => void} onEnd */
  constructor(onEnd) {
    this.#onEnd = onEnd;
  }

  /** @param {Board} board */
  show({ may_run: mayRun, models, job }) {
    const chosen = this.#model.value;
    fill(this.#model, ...models.map(({ name, title }) => h("option", { value: name }, say(title))));
    if (models.some(({ name }) => name === chosen)) this.#model.value = chosen;
    this.#start.disabled = !mayRun || !models.length;
    this.#draw(job);
  }

  #choose() {
    this.#zip.hidden = this.#benchmark.value !== "own";
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    const { file } = this.#file, isOwn = this.#benchmark.value === "own";
    if (isOwn && !file) {
      this.#state.textContent = say("Add the ZIP of your own questions first.");
      return;
    }
    this.#start.disabled = true;
    try {
      const path = isOwn && file ? await upload(file, file.name) : "";
      await this.#follower.act("models_evaluate", [this.#benchmark.value, this.#model.value, Number(this.#count.value) || 100, path]);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #halt() {
    try {
      await this.#follower.act("models_evaluation_stop");
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#start.disabled = false;
    this.#state.textContent = explain(error);
  }

  /** @param {Job | null} job */
  #draw(job) {
    const isOn = job?.state === "running" || job?.state === "stopping";
    const wasOn = !this.#stop.hidden;
    this.#stop.hidden = !isOn;
    this.#stop.disabled = job?.state === "stopping";
    this.#start.disabled = isOn || !this.#model.options.length;
    this.#state.textContent = job ? describe(job) : "";
    if (isOn) this.#follower.wait();
    else if (wasOn) this.#onEnd();
  }
}

/** @param {Job} job */
function describe({ state, model, benchmark, answered, questions, problem }) {
  const values = { model, benchmark: say(BENCHMARKS.find(([name]) => name === benchmark)?.[1] ?? benchmark) };
  if (state === "running") {
    return questions ? say("{model}, {benchmark}: {answered} of {questions} questions", { ...values, answered: answered ?? 0, questions })
      : say("{model}, {benchmark}: loading", values);
  }
  if (state === "stopping") return say("Stopping…");
  if (state === "stopped") return say("Stopped. The answers are kept: the same run goes on when it is started again.");
  return state === "failed" ? say("The run failed: {problem}", { problem }) : say("{model}, {benchmark}: done", values);
}
