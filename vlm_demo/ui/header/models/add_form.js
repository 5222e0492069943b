// The form that adds a checkpoint, or models of a server, to those of the page.
import { fill, h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { call } from "../../studio/api/call.js";
import { translate } from "../../studio/server_text.js";
import { codeQuestion } from "./code_question.js";
import { icon } from "./icons.js";
import { serverOffer } from "./server_offer.js";
import { refreshModels } from "./loading.js";
import { chooseModel } from "./store.js";

/** What only an address of a server begins with; as `is_server_address` of the server. */
const ADDRESS = /^\s*(\w+:\/\/|[\w.-]+:\d+(\/|\s*$))/;

/** @typedef {{error?: any, question?: any, model?: any, models?: any[], servers?: any[], families?: any[]}} Answer */

/** The form; what it finds or has to ask appears below its fields. */
export class AddForm {
  /** @param {() => void} leave goes back to the list */
  constructor(leave) {
    this.leave = leave;
    this.name = h("input", { id: "add-model-name", autocomplete: "off", spellcheck: "false", placeholder: "HuggingFaceTB/SmolVLM-256M-Instruct", oninput: () => this.update() });
    this.key = h("input", { id: "add-model-key", type: "password", autocomplete: "off" });
    this.keyField = h("label", { class: "form-field" }, say("Key of the server (optional)"), this.key, h("small", {}, say("Kept in memory only, written to no file.")));
    this.submit = h("button", { type: "submit", class: "button primary" }, say("Add"));
    this.local = h("button", { type: "button", class: "button", onclick: () => this.listServers("") }, say("Find servers on this computer"));
    this.status = h("p", { class: "form-status", role: "status" });
    this.result = h("div", {});
    this.element = h("form", { class: "model-form", onsubmit: (/** @type {Event} */ event) => this.send(event) },
      h("div", { class: "model-head" },
        h("button", { type: "button", class: "panel-close", "aria-label": say("Back to the models"), onclick: leave }, icon("back")),
        h("h2", {}, say("Add a model or server"))),
      h("div", { class: "form-body" },
        h("label", { class: "form-field" }, say("Hub ID, folder or server address"), this.name,
          h("small", {}, say("Checkpoints are downloaded from the Hugging Face Hub. Servers are OpenAI-compatible: vLLM, Ollama, LM Studio, llama.cpp, SGLang and others."))),
        this.keyField, h("div", { class: "form-buttons" }, this.submit, this.local), this.status, this.result));
  }

  open() {
    fill(this.result);
    this.tellStatus("");
    this.update();
    this.name.focus();
  }

  get isServer() {
    return ADDRESS.test(this.name.value);
  }

  update() {
    this.keyField.hidden = !this.isServer;
    this.submit.textContent = this.isServer ? say("List its models") : say("Add");
  }

  /** @param {Event} event */
  send(event) {
    event.preventDefault();
    if (this.isServer) this.listServers(this.name.value.trim());
    else this.addCheckpoint("");
  }

  /** @param {string} revision of program code that is trusted; "": none */
  async addCheckpoint(revision) {
    const { model, question } = await this.ask("studio_add_model", [this.name.value.trim(), revision], say("Looking at the checkpoint…"));
    if (question) fill(this.result, codeQuestion(question, () => this.addCheckpoint(question.revision)));
    if (model) this.finish([model]);
  }

  /** @param {string} address "": those on this computer */
  async listServers(address) {
    const { servers, families } = await this.ask("studio_list_server", [address, this.key.value], say("Asking for its models…"));
    if (!servers) return;
    fill(this.result, servers.map((server) => serverOffer(server, families ?? [], (names, chosen) => this.addServer(server.address, names, chosen))));
  }

  /** @param {string} address @param {string[]} names @param {Record<string, string>} families */
  async addServer(address, names, families) {
    const { models } = await this.ask("studio_add_server", [address, this.key.value, names, families], say("Adding…"));
    if (models) this.finish(models);
  }

  /** @param {any[]} added */
  async finish(added) {
    this.name.value = this.key.value = "";
    await refreshModels();
    chooseModel(added[0].name);
    this.leave();
  }

  /**
   * @param {string} name of the call
   * @param {unknown[]} inputs
   * @param {string} waiting what is said until it answers
   * @returns {Promise<Answer>} {} where it failed
   */
  async ask(name, inputs, waiting) {
    this.tellStatus(waiting);
    this.element.inert = true;
    try {
      const answer = /** @type {Answer} */ (await call(name, inputs));
      this.tellStatus(answer.error ? translate(answer.error) : "", Boolean(answer.error));
      return answer.error ? {} : answer;
    } catch (error) {
      this.tellStatus(error instanceof Error && error.message ? error.message : say("The server cannot be reached."), true);
      return {};
    } finally {
      this.element.inert = false;
    }
  }

  /** @param {string} text @param {boolean} [isProblem] */
  tellStatus(text, isProblem = false) {
    this.status.textContent = text;
    this.status.classList.toggle("problem", isProblem);
    if (isProblem) fill(this.result);
  }
}
