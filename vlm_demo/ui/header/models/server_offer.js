// The models that a server offers, to be ticked; for each, the family in whose way it is asked.
import { h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";

/**
 * @param {{title: string, address: string, models: {name: string, family: string}[]}} server
 * @param {{name: string, title: string}[]} families
 * @param {(names: string[], families: Record<string, string>) => void} add
 * @returns {HTMLElement}
 */
export function serverOffer({ title, address, models }, families, add) {
  const rows = models.map((model) => offerRow(model, families));
  const chosen = () => rows.filter(({ tick }) => tick.checked);
  const button = h("button", { type: "button", class: "button primary", onclick: () => add(chosen().map(({ name }) => name), Object.fromEntries(chosen().map(({ name, family }) => [name, family.value]))) });
  const update = () => {
    const count = chosen().length;
    button.disabled = !count;
    button.textContent = count === 1 ? say("Add 1 model") : say("Add {count} models", { count });
  };
  update();
  return h("fieldset", { class: "server-offer", onchange: update },
    h("legend", {}, title ? `${title} · ${address}` : address), rows.map(({ element }) => element), button);
}

/**
 * @param {{name: string, family: string}} model
 * @param {{name: string, title: string}[]} families
 */
function offerRow({ name, family: guessed }, families) {
  const tick = h("input", { type: "checkbox", checked: true, value: name });
  const family = h("select", { "aria-label": say("Prompt format of {model}", { model: name }) }, families.map((one) => h("option", { value: one.name, selected: one.name === guessed }, one.title)));
  return { name, tick, family, element: h("div", { class: "offer-row" }, h("label", { class: "form-tick" }, tick, h("span", {}, name)), family) };
}
