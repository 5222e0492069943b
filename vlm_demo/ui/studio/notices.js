// Messages that belong to no answer: they stay until they are put away, and each is told once.
import { fill, h } from "../components/dom.js";
import { say } from "../i18n/say.js";
import { icon } from "./icons.js";
import { tell } from "./told.js";

/** @typedef {import("./studio.js").Studio} Studio */

/** How long a notice with an action stays by itself, in milliseconds. */
const STAY_MS = 12_000;

/**
 * @param {Studio} studio
 * @returns {HTMLElement}
 */
export function createNotices(studio) {
  const root = h("div", { class: "notices", role: "status" });
  studio.store.subscribe(({ notices }) => notices, (notices) => fill(root, ...notices.map(({ id, text, action }) => {
    const act = () => {
      action?.run();
      studio.dismiss(id);
      studio.focusComposer();
    };
    if (action) setTimeout(() => studio.store.get().notices.some((one) => one.action === action) && studio.dismiss(id), STAY_MS);
    return h(
      "div", { class: "notice-card", data: { notice: id } }, h("span", {}, tell(text)), action ? h("button", { type: "button", class: "button", onclick: act }, tell(action.label)) : null,
      h("button", { type: "button", class: "icon-button small", title: say("Dismiss"), "aria-label": say("Dismiss"), onclick: () => studio.dismiss(id) }, icon("close")),
    );
  })));
  return root;
}
