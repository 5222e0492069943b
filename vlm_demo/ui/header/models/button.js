// The button in the header that says which model answers and opens the panel.
import { setText } from "../../components/dom.js";
import { translate } from "../../studio/server_text.js";
import { currentView, onViewChange } from "../views.js";
import { refreshModels, startModels } from "./loading.js";
import { ModelPanel } from "./panel.js";
import { models } from "./store.js";

/** Brings the button to life. */
export function startModelButton() {
  const button = document.querySelector("#model-button");
  if (!(button instanceof HTMLButtonElement)) return;
  const panel = new ModelPanel();
  button.after(panel.element);
  button.popoverTargetElement = panel.element;
  models.subscribe((state) => state, () => draw(button));
  draw(button);
  let before = currentView();
  onViewChange((view) => {
    if (before === "models") refreshModels();  // some were loaded or unloaded there
    before = view;
  });
  startModels();
}

/** @param {HTMLElement} button */
function draw(button) {
  const { models: list, chosen, loading } = models.get(), model = list.find((one) => one.name === chosen);
  const title = button.querySelector(".model-title"), mark = button.querySelector(".model-state");
  if (!(title instanceof HTMLElement) || !(mark instanceof HTMLElement)) return;
  setText(title, model?.title ?? chosen);
  const state = loading ? (loading.problem ? "failed" : "loading") : model?.loaded ? "loaded" : "";
  mark.hidden = !state;
  mark.dataset.state = state;
  mark.title = loading?.problem ? translate(loading.problem) : "";
  setText(mark, state === "loading" ? share(loading?.share ?? null) : state === "failed" ? "!" : "");
}

/** @param {number | null} value */
const share = (value) => (value === null ? "…" : `${Math.round(value * 100)} %`);
