// The list of past conversations.
import { fill, h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { icon } from "../icons.js";
import { exportConversation, exportMarkdown, importConversation } from "./files.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Summary} Summary */

/**
 * @param {Studio} studio
 * @param {import("./archive.js").Archive} archive
 * @returns {{element: HTMLElement, stop: () => void}}
 */
export function createConversationList(studio, archive) {
  const list = h("ul", { class: "conversation-list", "aria-label": say("Conversations") });
  const chooser = h("input", { type: "file", accept: ".json,application/json", hidden: true, onchange: () => void open() });
  const open = async () => {
    const [file] = chooser.files ?? [];
    chooser.value = "";
    if (file) await importConversation(studio, archive, file);
  };
  const clear = confirming(say("Delete all"), say("Delete all permanently?"), () => void archive.clear());
  const tools = h(
    "div", { class: "drawer-tools" },
    h("button", { type: "button", class: "button primary", onclick: () => void archive.create() }, icon("add"), say("New conversation")),
    h("button", { type: "button", class: "button", onclick: () => chooser.click() }, say("Open a file")),
    h("button", { type: "button", class: "button", onclick: () => void exportConversation(studio) }, icon("download"), say("Save this conversation")),
    h("button", { type: "button", class: "button", onclick: () => void exportMarkdown(studio) }, icon("download"), say("Save as Markdown")), chooser,
  );
  const draw = () => {
    const { list: summaries, conversation } = studio.store.get();
    fill(list, ...summaries.map((summary) => entry(studio, archive, summary, summary.id === conversation.id)));
    clear.hidden = !summaries.length;
    empty.hidden = summaries.length > 0;
  };
  const empty = h("p", { class: "hint" }, say("Conversations are kept in this browser. There are none yet."));
  const stop = studio.store.subscribe(({ list: summaries }) => summaries, draw, { now: true });
  return { element: h("div", {}, tools, empty, list, clear), stop };
}

/**
 * @param {Studio} studio
 * @param {import("./archive.js").Archive} archive
 * @param {Summary} summary
 * @param {boolean} isOpen
 */
function entry(studio, archive, { id, title, changed, turns }, isOpen) {
  const name = title || say("Untitled");
  const row = h("li", { class: ["conversation-entry", isOpen && "open"] });
  const open = h(
    "button", { type: "button", class: "conversation-open", "aria-current": isOpen ? "true" : null, onclick: () => isOpen ? studio.closeDrawer() : void archive.open(id) },
    h("span", { dir: "auto", class: "conversation-title" }, name),
    h("small", {}, [new Date(changed).toLocaleString(document.documentElement.lang || undefined, { dateStyle: "medium", timeStyle: "short" }), turns === 1 ? say("1 turn") : say("{count} turns", { count: turns })].join(" · ")),
  );
  const rename = h("button", { type: "button", class: "icon-button small", title: say("Rename"), "aria-label": say("Rename {name}", { name }), onclick: () => edit() }, icon("edit"));
  const remove = confirming(icon("trash"), say("Delete permanently?"), () => void archive.delete(id), say("Delete {name}", { name }));
  const edit = () => {
    const field = h("input", { type: "text", value: title, maxlength: 200, "aria-label": say("Conversation name"), dir: "auto" });
    const finish = (/** @type {boolean} */ keep) => {
      if (!field.isConnected) return;
      field.replaceWith(open);
      rename.focus();
      if (keep && field.value.trim() !== title) void archive.rename(id, field.value.trim());
    };
    field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.isComposing) return;
      if (event.key === "Enter") finish(true);
      if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        finish(false);
      }
    });
    field.addEventListener("blur", () => finish(true));
    open.replaceWith(field);
    field.select();
  };
  row.append(open, rename, remove);
  return row;
}

/**
 * A button that asks before it acts: the second press does it.
 * @param {Node | string} content
 * @param {string} question
 * @param {() => void} act
 * @param {string} [label]
 */
function confirming(content, question, act, label) {
  const plain = { title: label ?? "", "aria-label": label ?? null };
  const button = h("button", { type: "button", class: label ? "icon-button small" : "text-button danger", ...plain, onclick: () => press() }, content);
  let asked = false;
  const press = () => {
    if (asked) return act();
    asked = true;
    fill(button, question);
    button.classList.add("asking");
    button.removeAttribute("aria-label");
    return undefined;
  };
  button.addEventListener("blur", () => {
    asked = false;
    fill(button, content);
    button.classList.remove("asking");
    if (label) button.setAttribute("aria-label", label);
  });
  return button;
}
