import { fill, h } from "../dom.js";
import { attachMenu } from "../popover.js";
import { say } from "../../i18n/say.js";
import { KEY_NAMES } from "./hot_keys.js";
import { icon } from "./icons.js";

/** @import { IconName } from "./icons.js" */
/** @import { MenuItem } from "../popover.js" */
/** @import { Tool } from "./types.js" */

/** @typedef {Tool | "none" | "undo" | "table" | "out" | "fit" | "in"} ToolbarAction */

/** What each tool does. @type {[tool: Tool | "none", words: () => string, hint: () => string][]} */
const TOOLS = [
  ["box", () => say("Box"), () => say("Drag to mark an object")],
  ["point", () => say("Point"), () => say("Click an object")],
  ["scribble", () => say("Scribble"), () => say("Draw around an object, or over it")],
  ["none", () => say("Move"), () => say("Drag the image, once it is zoomed")],
];

/** The buttons on a picture: one with all tools, undo, and those of the zoom while it is zoomed. */
export class Toolbar {
  /** @type {Map<ToolbarAction, HTMLButtonElement>} */
  #buttons = new Map();

  #onAction;
  #menu = h("button", { type: "button", class: "tool menu-button" });
  #collapse; // on a phone

  /** @type {Tool | "none"} */
  #tool = "none";
  #hasTable = false;
  #isTableOpen = false;
  #isZoomed = false;

  /**
   * @param {boolean} selectable whether there are tools that mark
   * @param {(action: ToolbarAction) => void} onAction
   */
  constructor(selectable, onAction) {
    this.#onAction = onAction;
    this.#collapse = h("button", {
      type: "button", class: "tool collapse", onclick: () => this.#fold(!this.element.classList.contains("collapsed")),
    });
    const undo = selectable ? this.#button("undo", "undo", say("Undo"), KEY_NAMES.undo) : null;
    this.element = h(
      "div",
      { class: ["toolbar", selectable && "selectable"], role: "toolbar", "aria-label": say("Image tools") },
      h("div", { class: "tools" }, this.#menu, undo),
      h("div", { class: "tools" },
        this.#button("out", "out", say("Zoom out"), "-"),
        this.#button("fit", "fit", say("Show the whole image"), "0"),
        this.#button("in", "in", say("Zoom in"), "+"),
        this.#collapse),
    );
    this.#menu.hidden = !selectable;
    attachMenu(this.#menu, () => this.#items(), say("Image tools"));
    this.#fold(false);
    this.choose(null);
    this.undoable(false);
    this.zoom(1);
  }

  /**
   * @param {ToolbarAction} name
   * @param {IconName} picture
   * @param {string} words
   * @param {string} key that does the same
   */
  #button(name, picture, words, key) {
    const made = h("button", {
      type: "button", class: ["tool", name], "aria-label": words, title: `${words} (${key})`, "aria-keyshortcuts": key.replace("Ctrl", "Control"), onclick: () => this.#onAction(name),
    }, icon(picture));
    this.#buttons.set(name, made);
    return made;
  }

  /** @returns {MenuItem[]} */
  #items() {
    const item = (/** @type {ToolbarAction} */ name, /** @type {IconName} */ picture, /** @type {string} */ label, /** @type {string} */ keys) =>
      ({ label, keys, icon: icon(picture), data: { tool: name }, act: () => this.#onAction(name) });
    return [
      ...TOOLS.map(([tool, words, hint]) => ({ ...item(tool, tool === "none" ? "move" : tool, words(), KEY_NAMES[tool]), hint: hint(), checked: tool === this.#tool })),
      null,
      ...(this.#hasTable ? [item("table", "table", this.#isTableOpen ? say("Hide table") : say("Show table"), "")] : []),
      item("in", "in", say("Zoom in"), "+"),
      ...(this.#isZoomed ? [item("fit", "fit", say("Show the whole image"), "0")] : []),
    ];
  }

  /** @param {boolean} isCollapsed only the toolbar is left, so that the rest of a small page has more room */
  #fold(isCollapsed) {
    this.element.classList.toggle("collapsed", isCollapsed);
    fill(this.#collapse, icon(isCollapsed ? "down" : "up"));
    this.#collapse.setAttribute("aria-expanded", String(!isCollapsed));
    this.#collapse.setAttribute("aria-label", isCollapsed ? say("Show the image") : say("Hide the image"));
  }

  /** @param {Tool | null} tool which is chosen */
  choose(tool) {
    this.#tool = tool ?? "none";
    const words = TOOLS.find(([name]) => name === this.#tool)?.[1]() ?? "";
    fill(this.#menu, icon(tool ?? "move"), icon("down"));
    this.#menu.setAttribute("aria-label", say("Tool: {name}", { name: words }));
    this.#menu.title = say("Tools to mark, zoom and list");
  }

  /** @param {boolean} canUndo */
  undoable(canUndo) {
    const undo = this.#buttons.get("undo");
    if (undo) undo.hidden = !canUndo;
  }

  /** @param {boolean} hasRows whether a table has anything to show */
  tabled(hasRows) {
    this.#hasTable = hasRows;
  }

  /** @param {boolean} isOpen */
  expand(isOpen) {
    this.#isTableOpen = isOpen;
  }

  /** @param {number} scale 1: the whole picture is shown */
  zoom(scale) {
    this.#isZoomed = scale > 1;
    this.element.classList.toggle("zoomed", this.#isZoomed);
    this.#buttons.get("fit")?.setAttribute("aria-label", say("Show the whole image ({percent} %)", { percent: Math.round(scale * 100) }));
  }
}
