import { commandOf, takesKeys } from "./hot_keys.js";

/** @import { Command } from "./hot_keys.js" */

/** @type {Record<string, [across: number, down: number]>} */
const MOVES = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * The keys of a canvas. They count while it, or nothing, has the focus, or the pointer is over it; never while somebody
 * types.
 */
export class Keyboard {
  #root;
  #stage;
  #hovered = false;

  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} stage
   * @param {(command: Command) => boolean} onCommand says whether there was something to do
   * @param {(across: number, down: number) => boolean} onMove the same, of an arrow key
   */
  constructor(root, stage, onCommand, onMove) {
    this.#root = root;
    this.#stage = stage;
    root.addEventListener("pointerenter", () => { this.#hovered = true; });
    root.addEventListener("pointerleave", () => { this.#hovered = false; });
    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || !this.#counts()) return;
      const onStage = document.activeElement === stage;
      const move = onStage && !event.ctrlKey && !event.metaKey && !event.altKey && MOVES[event.key];
      const command = commandOf(event, onStage);
      if (move ? onMove(...move) : command && onCommand(command)) event.preventDefault();
    });
  }

  #counts() {
    const focused = document.activeElement;
    if (!this.#stage.offsetParent || takesKeys(/** @type {HTMLElement | null} */ (focused))) return false;
    return !focused || focused === document.body || this.#root.contains(focused) || this.#hovered;
  }
}
