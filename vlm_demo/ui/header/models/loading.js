// Loads and unloads models, and keeps their list up to date.
import { call, stream } from "../../studio/api/call.js";
import { start } from "../../studio/api/start.js";
import { changeModel, models, onModelChange, setModels } from "./store.js";
import { withTitles } from "./titles.js";

/** Milliseconds between two looks at which models the server holds, while the panel is open. */
const REFRESH_MS = 10_000;

/** @type {AbortController | null} */
let current = null;

/** Asks for the models, and loads the chosen one now and whenever another is chosen. */
export async function startModels() {
  onModelChange((name) => load(name));
  try {
    const { models: list, default: first, may_add_models: mayAdd, may_manage_models: mayManage } = await start();
    setModels(list, first);
    models.update((state) => ({ ...state, mayAdd: Boolean(mayAdd), mayManage: Boolean(mayManage) }));
    await load(models.get().chosen);
  } catch (error) {
    fail("", error);
  }
}

/** Asks for the list again: other visitors load models too. */
export async function refreshModels() {
  try {
    const { models: list } = await call("studio_models");
    if (list) setModels(withTitles(list));
  } catch {
    // The list stays as it was; whatever is asked next says what is wrong.
  }
}

/**
 * Keeps the list up to date as long as `isWanted` says so.
 * @param {() => boolean} isWanted
 */
export function refreshWhile(isWanted) {
  const again = async () => {
    if (!isWanted()) return;
    await refreshModels();
    setTimeout(again, REFRESH_MS);
  };
  again();
}

/**
 * Loads a model, and shows how that goes. One that is loaded for somebody else goes on loading there.
 * @param {string} name
 */
export async function load(name) {
  current?.abort();
  const model = models.get().models.find((one) => one.name === name);
  if (!model || model.loaded) {
    models.update((state) => ({ ...state, loading: null }));
    return;
  }
  const abort = current = new AbortController();
  models.update((state) => ({ ...state, loading: { name, stage: "Loading", share: null, problem: null } }));
  try {
    for await (const step of stream("studio_load", [name, ""], { signal: abort.signal })) {
      if (step.error) throw step.error;
      models.update((state) => ({ ...state, loading: { name, stage: step.stage, share: step.share ?? null, problem: null } }));
    }
    if (abort.signal.aborted) return;
    changeModel(name, { loaded: true });
    models.update((state) => ({ ...state, loading: null }));
  } catch (error) {
    if (!abort.signal.aborted) fail(name, error);
  }
}

/**
 * Frees the memory of a model.
 * @param {string} name
 */
export async function unload(name) {
  try {
    const { error } = await call("studio_unload", [name]);
    if (error) throw error;
    changeModel(name, { loaded: false });
  } catch (error) {
    fail(name, error);
  }
}

/**
 * @param {string} name
 * @param {any} error a text of the server, or what went wrong on the way to it
 */
function fail(name, error) {
  const problem = error instanceof Error ? error.message || "The server cannot be reached." : error;
  models.update((state) => ({ ...state, loading: { name, stage: "", share: null, problem } }));
}
