import { fill, h } from "../dom.js";
import { say } from "../../i18n/say.js";
import { KEY_NAMES } from "./hot_keys.js";
import { icon } from "./icons.js";

/** @import { IconName } from "./icons.js" */
/** @import { Tool } from "./types.js" */

/** @typedef {Tool | "undo" | "table" | "out" | "fit" | "in"} ToolbarAction */

/** @type {Tool[]} */
export const TOOLS = ["box", "point", "scribble"];

/** The buttons over a picture: tools that mark, undo, the table, the zoom. */
export class Toolbar {
  /** @type {Map<ToolbarAction, HTMLButtonElement>} */
  #buttons = new Map();

  #collapse; // on a phone

  /**
   * @param {boolean} selectable whether there are tools
   * @param {(action: ToolbarAction) => void} onAction
   */
  constructor(selectable, onAction) {
    this.#collapse = h("button", {
      type: "button", class: "tool collapse", onclick: () => this.#fold(!this.element.classList.contains("collapsed")),
    });
    /** @type {(name: ToolbarAction, picture: IconName, words: string) => HTMLButtonElement} */
    const button = (name, picture, words) => {
      const made = h("button", { type: "button", class: ["tool", name], onclick: () => onAction(name) }, icon(picture));
      this.#buttons.set(name, made);
      this.#name(name, words);
      return made;
    };
    const tools = selectable
      ? [
        button("box", "box", say("Box: drag to mark a thing")),
        button("point", "point", say("Point: click on a thing")),
        button("scribble", "scribble", say("Scribble: draw around a thing, or over it")),
        button("undo", "undo", say("Undo")),
      ]
      : [];
    this.element = h(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": say("Picture tools") },
      h("div", { class: "tools" }, tools),
      h("div", { class: "tools" },
        button("table", "table", say("Show table")),
        button("out", "out", say("Zoom out")),
        button("fit", "fit", say("Show the whole picture")),
        button("in", "in", say("Zoom in")),
        this.#collapse),
    );
    this.#fold(false);
    for (const tool of TOOLS) this.#buttons.get(tool)?.setAttribute("aria-pressed", "false");
    this.#buttons.get("table")?.setAttribute("aria-expanded", "false");
    this.zoom(1);
    this.undoable(false);
    this.tabled(false);
  }

  /**
   * @param {ToolbarAction} name
   * @param {string} words
   */
  #name(name, words) {
    const button = this.#buttons.get(name);
    const key = name in KEY_NAMES ? KEY_NAMES[/** @type {keyof typeof KEY_NAMES} */ (name)] : "";
    button?.setAttribute("aria-label", words);
    button?.setAttribute("title", key ? `${words} (${key})` : words);
    if (key) button?.setAttribute("aria-keyshortcuts", key.replace("Ctrl", "Control"));
  }

  /**
   * Show a button or keep its room free.
   *
   * @param {ToolbarAction} name
   * @param {boolean} isSeen
   */
  #reveal(name, isSeen) {
    this.#buttons.get(name)?.classList.toggle("away", !isSeen);
  }

  /** @param {boolean} isCollapsed only the toolbar is left, so that the rest of a small page has more room */
  #fold(isCollapsed) {
    this.element.classList.toggle("collapsed", isCollapsed);
    fill(this.#collapse, icon(isCollapsed ? "down" : "up"));
    this.#collapse.setAttribute("aria-expanded", String(!isCollapsed));
    this.#collapse.setAttribute("aria-label", isCollapsed ? say("Show the picture") : say("Hide the picture"));
  }

  /** @param {Tool | null} tool which is chosen */
  choose(tool) {
    for (const one of TOOLS) this.#buttons.get(one)?.setAttribute("aria-pressed", String(one === tool));
  }

  /** @param {boolean} canUndo */
  undoable(canUndo) {
    this.#reveal("undo", canUndo);
  }

  /** @param {boolean} hasRows whether a table has anything to show */
  tabled(hasRows) {
    this.#reveal("table", hasRows);
  }

  /** @param {boolean} isOpen */
  expand(isOpen) {
    this.#buttons.get("table")?.setAttribute("aria-expanded", String(isOpen));
    this.#name("table", isOpen ? say("Hide table") : say("Show table"));
  }

  /** @param {number} scale 1: the whole picture is shown */
  zoom(scale) {
    this.#reveal("out", scale > 1);
    this.#reveal("fit", scale > 1);
    this.#name("fit", say("Show the whole picture ({percent} %)", { percent: Math.round(scale * 100) }));
  }
}
