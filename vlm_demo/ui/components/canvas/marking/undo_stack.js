/**
 * Earlier and later states of something; the states themselves are never changed.
 *
 * @template State
 */
export class UndoStack {
  /** @type {State[]} */
  #earlier = [];

  /** @type {State[]} */
  #later = [];

  #limit;

  /** @param {number} [limit] how many states are remembered */
  constructor(limit = 200) {
    this.#limit = limit;
  }

  get canUndo() {
    return this.#earlier.length > 0;
  }

  get canRedo() {
    return this.#later.length > 0;
  }

  /**
   * Remember the state that is about to be replaced; what had been undone can no longer come back.
   *
   * @param {State} state
   */
  push(state) {
    this.#earlier = [...this.#earlier, state].slice(-this.#limit);
    this.#later = [];
  }

  /**
   * Return the state before `current`, or `current` if there is none.
   *
   * @param {State} current
   * @returns {State}
   */
  undo(current) {
    const state = this.#earlier.pop();
    if (state === undefined) return current;
    this.#later.push(current);
    return state;
  }

  /**
   * Return the state that was undone last, or `current` if there is none.
   *
   * @param {State} current
   * @returns {State}
   */
  redo(current) {
    const state = this.#later.pop();
    if (state === undefined) return current;
    this.#earlier.push(current);
    return state;
  }

  clear() {
    this.#earlier = [];
    this.#later = [];
  }
}
