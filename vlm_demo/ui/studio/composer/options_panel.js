// The options of a request behind one button, which says how many a person has changed.
import { fill, h, setText } from "../../components/dom.js";
import { attachPopover } from "../../components/popover.js";
import { say } from "../../i18n/say.js";
import { icon } from "../icons.js";
import { ShotList } from "./shot_list.js";
import { changeOption, countChanged, findHints, OPTIONS, readOption } from "./option_values.js";

/** @typedef {import("./option_values.js").Option} Option */
/** @typedef {import("../studio.js").Studio} Studio */

/** The button and its panel. */
export class OptionsPanel {
  #studio;
  #hints = h("div", { class: "option-hints", role: "status" });
  #fields = h("div", { class: "option-fields" });
  #count = h("span", { class: "count" });
  #reset = h("button", { type: "button", class: "text-button", onclick: () => this.#change(() => ({})) }, say("Reset"));

  /** @param {Studio} studio */
  constructor(studio) {
    this.#studio = studio;
    const shots = new ShotList(studio);
    this.button = h("button", { type: "button", class: "icon-button", id: "studio-options", title: say("Options"), "aria-label": say("Options") }, icon("options"), this.#count);
    const panel = h(
      "div", { class: "options-panel", role: "dialog", "aria-label": say("Options") },
      h("div", { class: "panel-head" }, h("h2", {}, say("Options")), this.#reset), this.#hints, this.#fields, shots.element,
    );
    attachPopover(this.button, panel, { onOpen: () => this.#draw() });
    studio.store.subscribe(({ draft }) => draft.options, () => this.#mark(), { now: true });
  }

  #mark() {
    const { options } = this.#studio.store.get().draft, count = countChanged(options);
    setText(this.#count, count ? String(count) : "");
    this.#count.hidden = !count;
    this.button.setAttribute("aria-label", count ? say("Options, {count} changed", { count }) : say("Options"));
    this.#reset.hidden = !count;
    fill(this.#hints, ...findHints(options).map((hint) => h("p", {}, say(hint))));
    if (!count && this.#fields.isConnected && this.#fields.childElementCount) this.#draw();
  }

  #draw() {
    const { draft } = this.#studio.store.get(), model = this.#studio.model();
    fill(this.#fields, ...OPTIONS.filter((option) => isOffered(option, model)).map((option) => this.#field(option, draft.options, model)));
  }

  /**
   * @param {Option} option
   * @param {any} options
   * @param {any} model
   */
  #field(option, options, model) {
    const id = `option-${option.name}`, problem = h("small", { class: "field-problem", role: "alert", id: `${id}-problem` });
    const hint = h("small", { id: `${id}-hint` }, say(option.hint));
    const input = makeInput(option, options[option.name], model);
    Object.assign(input, { id });
    input.setAttribute("aria-describedby", `${id}-hint ${id}-problem`);
    input.addEventListener("input", () => {
      const read = option.kind === "switch" ? { value: input.checked } : readOption(option, input.value);
      setText(problem, "problem" in read ? say(read.problem, read.values) : "");
      input.setAttribute("aria-invalid", String("problem" in read));
      if ("value" in read) this.#change((one) => changeOption(one, option.name, read.value));
    });
    return h("div", { class: ["option", `option-${option.kind}`] }, h("label", { for: id }, say(option.label)), input, hint, problem);
  }

  /** @param {(options: import("../state/types.js").Options) => import("../state/types.js").Options} change */
  #change(change) {
    this.#studio.changeDraft((draft) => ({ ...draft, options: change(draft.options) }));
  }
}

/**
 * Tells whether an option does anything for a model.
 * @param {Option} option
 * @param {any} model
 */
function isOffered({ name }, model) {
  if (name === "thinking") return Boolean(model?.thinking);
  if (name === "visual_tokens") return Boolean(model?.visual_tokens?.length);
  if (name === "region_form") return !model?.region_forms || model.region_forms.length > 1;
  if (name === "system") return Boolean(model?.system);
  return true;
}

/**
 * @param {Option} option
 * @param {any} value
 * @param {any} model
 */
function makeInput({ kind, name, least, most, step, choices = [] }, value, model) {
  const text = Array.isArray(value) ? value.join("\n") : String(value ?? "");
  if (kind === "switch") return h("input", { type: "checkbox", checked: Boolean(value) });
  if (kind === "long" || kind === "lines") return h("textarea", { rows: 3, value: text });
  if (kind === "choice") return makeSelect(name, choices, text, model);
  const own = model?.sampling?.[name];
  return h("input", {
    type: kind === "text" ? "text" : "number", inputmode: kind === "text" ? null : "decimal", min: least, max: most, step, value: text,
    placeholder: own === undefined || own === null ? (kind === "text" ? "" : say("Model default")) : String(own), spellcheck: "false", autocomplete: "off",
  });
}

/**
 * @param {string} name
 * @param {[value: string, label: string][]} choices
 * @param {string} value
 * @param {any} model
 */
function makeSelect(name, choices, value, model) {
  const offered = name === "region_form" && model?.region_forms ? choices.filter(([one]) => !one || model.region_forms.includes(one)) : choices;
  const sizes = name === "visual_tokens" ? model?.visual_tokens ?? [] : [];
  const select = h(
    "select", {}, ...offered.map(([one, label]) => h("option", { value: one }, say(label))),
    ...sizes.map((/** @type {number} */ count) => h("option", { value: String(count) }, say("{count} tokens", { count }))),
  );
  select.value = value;
  return select;
}
