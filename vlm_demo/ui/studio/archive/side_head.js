// The line above the conversation: its name, past conversations, a new one.
import { h, setText } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { icon } from "../icons.js";
import { isEmpty, titleOf } from "../state/conversations.js";

/** @typedef {import("../studio.js").Studio} Studio */

/**
 * @param {Studio} studio
 * @param {import("./archive.js").Archive} archive
 */
export function createSideHead(studio, archive) {
  const title = h("h2", { class: "side-title", dir: "auto" });
  const note = h("p", { class: "read-only", hidden: true }, say("Opened from a file: read-only."), " ", h("button", { type: "button", class: "text-button", onclick: () => archive.keep() }, say("Continue as my own")));
  const { store } = studio;
  store.subscribe(({ conversation }) => titleOf(conversation), (words) => setText(title, words || say("New conversation")), { now: true });
  store.subscribe(({ readOnly }) => readOnly, (readOnly) => { note.hidden = !readOnly; }, { now: true });
  const button = (/** @type {import("../icons.js").IconName} */ name, /** @type {string} */ label, /** @type {string} */ id, /** @type {() => void} */ act) =>
    h("button", { type: "button", class: "icon-button", id, title: label, "aria-label": label, onclick: act }, icon(name));
  const past = button("history", say("Conversations"), "studio-conversations", () => studio.openDrawer("conversations"));
  const create = button("add", say("New conversation"), "studio-new", () => void archive.create());
  // Without a conversation there is none to leave, and at first none to go back to.
  store.subscribe(({ conversation, list }) => (isEmpty(conversation) ? (list.length ? "old" : "none") : "open"), (held) => {
    past.hidden = held === "none";
    create.hidden = held !== "open";
  }, { now: true });
  return h("header", { class: "side-head" }, past, title, create, note);
}
