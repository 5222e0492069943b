// The view of fine-tuning: what learns from what, examples as the model will read them, and the run.
import { fill, h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { call } from "../../studio/api/call.js";
import { Follower } from "../follower.js";
import { explain } from "../problems.js";
import { DataForm } from "./data_form.js";
import { exampleList } from "./examples.js";
import { runReport } from "./run_report.js";
import { tryModel } from "./trying.js";

/** @import { Preview, Run } from "./types.js" */

/** Questions that each score is from, unless somebody wants more or fewer. */
const QUESTIONS = 200;

/** @param {HTMLElement} root */
export function mount(root) {
  const app = new FinetuneApp(root);
  // The view may lie in a tab that is opened later, and again.
  new IntersectionObserver((entries) => entries.some(({ isIntersecting }) => isIntersecting) && app.load()).observe(root);
}

class FinetuneApp {
  #follower = new Follower("models_finetune_state", ({ run }) => this.#draw(run));
  #data = new DataForm((model, kind, path) => this.#look(model, kind, path), () => { this.#plan.hidden = true; });
  #examples = h("div", { role: "region", tabindex: "-1", "aria-label": say("Examples as the model will read them") });
  #name = h("input", { type: "text", name: "name", maxlength: 80, autocomplete: "off", spellcheck: "false" });
  #steps = h("input", { type: "number", name: "steps", min: 1, max: 100000, placeholder: say("automatic") });
  #questions = h("input", { type: "number", name: "questions", min: 1, max: 5000, value: String(QUESTIONS) });
  #start = h("button", { type: "submit", class: "primary" }, say("Start training"));
  #problem = h("p", { class: "state problem", role: "alert" });
  #plan = h("form", { class: "start plan", hidden: true, onsubmit: (/** @type {Event} */ event) => this.#train(event) },
    h("label", {}, h("span", {}, say("Name of the new model")), this.#name), h("label", {}, h("span", {}, say("Steps of training")), this.#steps),
    h("label", {}, h("span", {}, say("Questions for each score")), this.#questions), this.#start);

  #run = h("section", { class: "run", hidden: true, "aria-label": say("The run") });
  #closed = h("p", { class: "nothing", hidden: true }, say("Only the operator of this page can fine-tune models."));

  /** @type {Run | null} */
  #latest = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    fill(root, this.#closed, this.#data.element, this.#plan, this.#problem, this.#run, this.#examples);
  }

  async load() {
    try {
      const { may_train: mayTrain, models, run } = await call("models_finetune_start");
      this.#closed.hidden = mayTrain;
      this.#data.show(mayTrain, models);
      this.#draw(run);
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * @param {string} model
   * @param {string} kind
   * @param {string} path of an uploaded file
   */
  async #look(model, kind, path) {
    this.#plan.hidden = true;
    fill(this.#examples);
    /** @type {Preview} */
    const preview = await call("models_finetune_data", [model, kind, path]);
    fill(this.#examples, exampleList(preview));
    this.#plan.hidden = false;
    this.#draw(this.#latest);
  }

  /** @param {Event} event */
  #train(event) {
    event.preventDefault();
    return this.#act("models_finetune", [this.#data.model, this.#name.value, Number(this.#steps.value) || 0, Number(this.#questions.value) || QUESTIONS]);
  }

  /**
   * @param {string} name
   * @param {unknown[]} [inputs]
   */
  async #act(name, inputs) {
    this.#start.disabled = true;
    try {
      await this.#follower.act(name, inputs);
    } catch (error) {
      this.#draw(this.#latest);
      this.#fail(error);
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#problem.textContent = explain(error);
  }

  /** @param {Run | null} run */
  #draw(run) {
    this.#latest = run;
    this.#problem.textContent = "";
    this.#start.disabled = Boolean(run?.is_running);
    this.#run.hidden = !run;
    if (!run) return;
    const acts = { stop: "models_finetune_stop", resume: "models_finetune_resume", list: "models_finetune_list" };
    fill(this.#run, runReport(run, (act) => (act === "try" ? this.#try(run) : this.#act(acts[act]))));
    if (run.is_running) this.#follower.wait();
  }

  /** @param {Run} run */
  async #try({ name, model }) {
    try {
      await tryModel(name, model);
    } catch (error) {
      this.#fail(error);
    }
  }
}
