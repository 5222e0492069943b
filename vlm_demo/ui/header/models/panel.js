// The panel that opens from the model button: all models in groups, a search, and a form that adds others.
import { fill, h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { openView } from "../views.js";
import { AddForm } from "./add_form.js";
import { groupModels } from "./groups.js";
import { icon } from "./icons.js";
import { refreshWhile, unload } from "./loading.js";
import { modelRow } from "./row.js";
import { chooseModel, models } from "./store.js";

const hasKeyboard = () => matchMedia("(pointer: fine)").matches;

/** The panel; it draws itself while it is open. */
export class ModelPanel {
  constructor() {
    this.showsElsewhere = false;
    this.search = h("input", {
      type: "search", class: "model-search", autocomplete: "off", spellcheck: "false", oninput: () => this.draw(),
      // The browser moves the focus as it opens the panel, so that not even the first key that follows is lost.
      autofocus: hasKeyboard(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.chooseFirst(event),
    });
    this.list = h("div", { class: "model-list", onkeydown: (/** @type {KeyboardEvent} */ event) => this.moveFocus(event) });
    this.form = new AddForm(() => this.showList());
    this.foot = h("div", { class: "model-foot" });
    this.page = h("div", { class: "model-page" },
      h("div", { class: "model-head" }, h("label", { class: "model-field" }, icon("search", 18), h("span", { class: "sr-only" }, say("Search models")), this.search),
        h("button", { type: "button", class: "panel-close", "aria-label": say("Close"), onclick: () => this.close() }, icon("close"))),
      this.list, this.foot);
    this.element = h("section", { id: "model-panel", popover: "auto", role: "dialog", "aria-label": say("Models") }, this.page);
    this.element.addEventListener("toggle", (/** @type {ToggleEvent} */ event) => this.onToggle(event.newState === "open"));
    models.subscribe((state) => state, () => this.isOpen && this.draw());
  }

  get isOpen() {
    return this.element.matches(":popover-open");
  }

  close() {
    this.element.hidePopover();
  }

  /** @param {boolean} isOpen */
  onToggle(isOpen) {
    document.querySelector("#model-button")?.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) {
      this.search.value = "";
      fill(this.element, this.page);  // for the next time
      return;
    }
    this.drawFromTop();
    refreshWhile(() => this.isOpen);
  }

  showList() {
    fill(this.element, this.page);
    this.drawFromTop();
    if (hasKeyboard()) this.search.focus();
  }

  drawFromTop() {
    this.draw();
    this.list.scrollTop = 0;
    this.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  showForm() {
    fill(this.element, this.form.element);
    this.form.open();
  }

  draw() {
    const state = models.get(), query = this.search.value.trim(), focused = this.focusedModel();
    this.search.placeholder = say("Search {count} models", { count: state.models.length });
    const groups = groupModels(state.models, query, state.task);
    fill(this.list, groups.map((group) => this.drawGroup(group, state, query !== "")),
      state.models.length > 0 && !groups.length && h("p", { class: "model-none" }, say("No matches.")),
      state.loading && !state.loading.name && h("p", { class: "model-none", role: "alert" }, say("The server cannot be reached.")));
    fill(this.foot,
      state.mayAdd && h("button", { type: "button", class: "model-action", onclick: () => this.showForm() }, icon("add", 18), say("Add a model or server")),
      h("button", { type: "button", class: "model-action", onclick: () => this.browse() }, icon("browse", 18), say("Browse all models…")));
    if (focused) this.buttonOf(focused)?.focus({ preventScroll: true });
  }

  /**
   * @param {ReturnType<typeof groupModels>[number]} group
   * @param {import("./store.js").Models} state
   * @param {boolean} isSearching
   */
  drawGroup({ group, title, models: members }, state, isSearching) {
    const isLong = group === "elsewhere", isShown = !isLong || isSearching || this.showsElsewhere;
    const rows = () => h("ul", {}, members.map((model) => modelRow(model, state, { choose: (name) => this.choose(name), unload })));
    if (!isLong) return h("section", { class: "model-group" }, h("h3", {}, say(title)), rows());
    return h("details", { class: "model-group", open: isShown, ontoggle: (/** @type {Event} */ event) => this.onDetails(event) },
      h("summary", {}, say(title), h("span", { class: "model-count" }, members.length)), isShown && rows());
  }

  /** @param {Event} event */
  onDetails(event) {
    const { open } = /** @type {HTMLDetailsElement} */ (event.target);
    if (open === this.showsElsewhere || this.search.value.trim()) return;
    this.showsElsewhere = open;
    this.draw();
  }

  /** @param {string} name */
  choose(name) {
    chooseModel(name);
    this.close();
  }

  browse() {
    this.close();
    openView("models");
  }

  focusedModel() {
    const focused = document.activeElement;
    return focused instanceof HTMLElement && this.list.contains(focused) ? focused.dataset.model : undefined;
  }

  /** @param {string} name @returns {HTMLElement | null} */
  buttonOf(name) {
    return this.list.querySelector(`[data-model="${CSS.escape(name)}"]`);
  }

  /** @returns {HTMLElement[]} */
  get buttons() {
    return [...this.list.querySelectorAll(".model-choose, summary")];
  }

  /** @param {KeyboardEvent} event */
  chooseFirst(event) {
    if (event.key === "ArrowDown") this.buttons[0]?.focus();
    else if (event.key === "Escape") this.close();  // the field would only empty itself
    else if (event.key === "Enter") this.list.querySelector(".model-choose:not([aria-disabled])")?.click();
    else return;
    event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  moveFocus(event) {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    const { buttons } = this, at = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement)) + step;
    (at < 0 ? this.search : buttons[Math.min(at, buttons.length - 1)])?.focus();
  }
}
