// Messages that belong to no answer: they stay until they are put away, and each is told once.
import { fill, h } from "../components/dom.js";
import { say } from "../i18n/say.js";
import { icon } from "./icons.js";
import { translate } from "./server_text.js";

/** @typedef {import("./studio.js").Studio} Studio */

/** How long a notice stays by itself, in milliseconds; those that say that something is wrong stay for good. */
const STAY_MS = 10_000;
const LASTING = new Set(["error", "storage", "rest", "beside"]);

/**
 * @param {Studio} studio
 * @returns {HTMLElement}
 */
export function createNotices(studio) {
  const root = h("div", { class: "notices", role: "status" });
  studio.store.subscribe(({ notices }) => notices, (notices, before = []) => {
    for (const notice of notices) if (!before.includes(notice) && !LASTING.has(notice.id)) setTimeout(() => studio.store.get().notices.includes(notice) && studio.dismiss(notice.id), STAY_MS);
  });
  studio.store.subscribe(({ notices }) => notices, (notices) => fill(root, ...notices.map(({ id, text, action }) => {
    const act = () => {
      action?.run();
      studio.dismiss(id);
      studio.focusComposer();
    };
    return h(
      "div", { class: "notice-card", data: { notice: id } }, h("span", {}, translate(text)), action ? h("button", { type: "button", class: "button", onclick: act }, translate(action.label)) : null,
      h("button", { type: "button", class: "icon-button small", title: say("Dismiss"), "aria-label": say("Dismiss"), onclick: () => studio.dismiss(id) }, icon("close")),
    );
  })));
  return root;
}
