// A panel below an answer.
import { h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { icon } from "../icons.js";

/**
 * Opens a panel in the place of the one that is open; Escape closes it.
 * @param {HTMLElement} extra where it stands
 * @param {string} label
 * @param {Node[]} content
 * @param {() => void} [onClose]
 * @returns {{panel: HTMLElement, close: () => void}}
 */
export function openPanel(extra, label, content, onClose) {
  const close = () => {
    if (!panel.isConnected) return;
    panel.remove();
    onClose?.();
  };
  const panel = h(
    "section", { class: "extra-panel", "aria-label": label, tabindex: -1, onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && close() },
    h("header", { class: "panel-head" }, h("h3", {}, label), h("button", { type: "button", class: "icon-button small close-panel", title: say("Close"), "aria-label": say("Close"), onclick: close }, icon("close"))), ...content,
  );
  for (const open of document.querySelectorAll(".extra-panel .close-panel")) /** @type {HTMLElement} */ (open).click();
  extra.replaceChildren(panel);
  panel.focus({ preventScroll: true });
  panel.scrollIntoView({ block: "nearest" });
  return { panel, close };
}
