// Starts a run on this computer, shows how far it is, and stops it.
import { fill, h } from "../../components/dom.js";
import { message, say } from "../../i18n/say.js";
import { call } from "../../studio/api/call.js";
import { upload } from "../../studio/api/upload.js";
import { explain } from "./problems.js";

/** @import { Board, Job } from "./types.js" */

const EVERY_MS = 2000;

const BENCHMARKS = [
  ["scenes", message("Drawn scenes")], ["scenes-choices", message("Multiple choice about drawn scenes")], ["own", message("Own questions")],
];

/** A form; `onEnd` is called when a run has ended. */
export class StartForm {
  #onEnd;
  #timer = 0;

  /** How often a person has started or stopped: an older look at the process must not overwrite what that said. */
  #acts = 0;

  #benchmark = h("select", { onchange: () => this.#choose() }, ...BENCHMARKS.map(([value, words]) => h("option", { value }, say(words))));
  #model = h("select", {});
  #count = h("input", { type: "number", min: 1, max: 20000, value: "100" });
  #file = h("input", { type: "file", accept: ".zip" });
  #zip = h("label", { hidden: true }, h("span", {}, say("ZIP that Studio saved")), this.#file);
  #start = h("button", { type: "submit", class: "primary" }, say("Start"));
  #stop = h("button", { type: "button", hidden: true, onclick: () => this.#act("models_evaluation_stop", []) }, say("Stop"));
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
    const [file] = this.#file.files ?? [], isOwn = this.#benchmark.value === "own";
    if (isOwn && !file) {
      this.#state.textContent = say("Add the ZIP of your own questions first.");
      return;
    }
    this.#start.disabled = true;
    try {
      const path = isOwn ? await upload(file, file.name) : "";
      await this.#act("models_evaluate", [this.#benchmark.value, this.#model.value, Number(this.#count.value) || 100, path]);
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * @param {string} name
   * @param {unknown[]} inputs
   */
  async #act(name, inputs) {
    const act = ++this.#acts;
    try {
      const { job } = await call(name, inputs);
      if (act === this.#acts) this.#draw(job);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #look() {
    const acts = this.#acts;
    try {
      const { job } = await call("models_evaluation_job");
      if (acts === this.#acts) this.#draw(job);
    } catch {
      this.#wait();
    }
  }

  #wait() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), EVERY_MS);
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
    if (isOn) this.#wait();
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
