// Holds the state of Studio, and tells those who watch a part of it when that part has changed.

/**
 * @template S
 * @typedef {{get: () => S, update: (change: (state: S) => S) => void,
 *   subscribe: <T>(select: (state: S) => T, listener: (value: T, before: T | undefined) => void, options?: {now?: boolean}) => () => void}} Store
 */

/**
 * Makes a store. States are never changed in place: a change returns another one, which shares what is the same.
 * @template S
 * @param {S} initial
 * @returns {Store<S>}
 */
export function createStore(initial) {
  let state = initial;
  /** @type {Set<() => void>} */
  const watchers = new Set();
  return {
    get: () => state,
    update(change) {
      const next = change(state);
      if (next === state) return;
      state = next;
      for (const watch of [...watchers]) if (watchers.has(watch)) watch();
    },
    /** Calls `listener` when what `select` takes from the state is another value; with `now`, also at once. */
    subscribe(select, listener, { now = false } = {}) {
      let value = select(state);
      const watch = () => {
        const before = value;
        value = select(state);
        if (value !== before) listener(value, before);
      };
      watchers.add(watch);
      if (now) listener(value, undefined);
      return () => watchers.delete(watch);
    },
  };
}

/**
 * Waits until something holds.
 * @template S
 * @param {Store<S>} store
 * @param {(state: S) => boolean} holds
 * @returns {Promise<void>}
 */
export function until(store, holds) {
  return new Promise((resolve) => {
    const stop = store.subscribe(holds, (now) => {
      if (!now) return;
      queueMicrotask(() => stop());
      resolve();
    }, { now: true });
  });
}

/**
 * Remembers the newest result of a function, for as long as its arguments are the same.
 * @template {any[]} A
 * @template R
 * @param {(...values: A) => R} compute
 * @returns {(...values: A) => R}
 */
export function remember(compute) {
  /** @type {A | undefined} */
  let last;
  /** @type {R} */
  let result;
  return (...values) => {
    if (!last || values.length !== last.length || values.some((value, index) => value !== /** @type {A} */ (last)[index])) {
      result = compute(...values);
      last = values;
    }
    return result;
  };
}
