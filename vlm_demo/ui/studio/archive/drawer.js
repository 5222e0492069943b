// A panel at the side of the page: past conversations, the inspector.
import { h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { icon } from "../icons.js";
import { createConversationList } from "./conversation_list.js";
import { createInspector } from "../inspector/inspector.js";

/** @typedef {import("../studio.js").Studio} Studio */

/**
 * @param {Studio} studio
 * @param {import("./archive.js").Archive} archive
 * @returns {HTMLDialogElement}
 */
export function createDrawer(studio, archive) {
  const title = h("h2", { id: "drawer-title" }), body = h("div", { class: "drawer-body" });
  const close = h("button", { type: "button", class: "icon-button", title: say("Close"), "aria-label": say("Close"), onclick: () => studio.closeDrawer() }, icon("close"));
  const drawer = /** @type {HTMLDialogElement} */ (h("dialog", { class: "drawer", "aria-labelledby": "drawer-title" }, h("header", { class: "panel-head" }, title, close), body));
  drawer.addEventListener("close", () => studio.closeDrawer());
  drawer.addEventListener("click", (event) => event.target === drawer && drawer.close());
  /** @type {() => void} */
  let leave = () => {};
  studio.store.subscribe(({ drawer: opened }) => opened, (opened) => {
    leave();
    leave = () => {};
    if (!opened) return void (drawer.open && drawer.close());
    const isInspector = opened.name === "inspector";
    title.textContent = isInspector ? say("Raw output and prompt") : say("Conversations");
    drawer.dataset.name = opened.name;
    const { element, stop } = isInspector ? createInspector(studio, opened.turn ?? "", opened.answer ?? "") : createConversationList(studio, archive);
    body.replaceChildren(element);
    leave = stop;
    if (!drawer.open) drawer.showModal();
  });
  return drawer;
}
