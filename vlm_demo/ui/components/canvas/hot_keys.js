// Which key does what on a canvas.

/** @import { Tool } from "./types.js" */

/** @typedef {"box" | "point" | "scribble" | "none" | "undo" | "redo" | "delete" | "escape" | "add" | "in" | "out" | "fit"} Command */

/** @type {Record<string, Command>} */
const PLAIN = {
  b: "box", p: "point", s: "scribble", v: "none", n: "add", Delete: "delete", Backspace: "delete", Escape: "escape",
  Enter: "add", "+": "in", "=": "in", "-": "out", "0": "fit",
};

/** Keys that mean something to a button or to the page itself, and so need the picture to have the focus. */
const ON_STAGE = new Set(["n", "Enter", "+", "=", "-", "0"]);

/** What is said of a tool's key. @type {Record<Tool | "none" | "undo", string>} */
export const KEY_NAMES = { box: "B", point: "P", scribble: "S", none: "V", undo: "Ctrl+Z" };

/**
 * The command of a key; null: none.
 *
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean, shiftKey: boolean, isComposing?: boolean}} event
 * @param {boolean} onStage the picture itself has the focus
 * @returns {Command | null}
 */
export function commandOf(event, onStage) {
  if (event.isComposing || event.altKey) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") return event.shiftKey ? "redo" : "undo";
    return key === "y" ? "redo" : null;
  }
  return !ON_STAGE.has(key) || onStage ? PLAIN[key] ?? null : null;
}

/**
 * Tell whether an element takes what is typed.
 *
 * @param {{tagName?: string, isContentEditable?: boolean, closest?: (selector: string) => unknown} | null} element
 */
export function takesKeys(element) {
  if (!element) return false;
  return ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName ?? "") || Boolean(element.isContentEditable)
    || Boolean(element.closest?.("[role=menu], [role=listbox], [role=dialog], dialog"));
}
