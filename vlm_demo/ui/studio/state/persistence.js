// Keeps the open conversation in the browser's database, and in step with other windows that have it open.
import { isEmpty, stopAbandoned, summaryOf } from "./conversations.js";
import { isBusy } from "./answers.js";
import { mergeConversations } from "./merge.js";

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").State} State */
/** @typedef {import("./database.js").Database} Database */

const CHANNEL = "vlm-demo-conversations";
const PAUSE_MS = 400;
/** While an answer grows, so that not every word is written. */
const GROWING_PAUSE_MS = 2000;
/** An answer that has not changed for so long is nobody's: a window that asks writes it down more often. */
const ABANDONED_MS = 30_000;

/** Stores what changes. Without storage, the page works and says once that nothing is kept. */
export class Persistence {
  #store;
  #open;
  #onFailure;
  #channel;
  /** @type {any} what setTimeout returns */
  #timer = 0;
  #growing = false;
  /** @type {Conversation | null} */
  #saved = null;
  /** @type {Promise<Database> | null} */
  #database = null;
  #failed = false;

  /**
   * @param {import("./store.js").Store<State>} store
   * @param {() => Promise<Database>} open
   * @param {(error: unknown) => void} onFailure called once, when nothing can be stored
   * @param {BroadcastChannel | null} channel
   */
  constructor(store, open, onFailure, channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(CHANNEL)) {
    this.#store = store;
    this.#open = open;
    this.#onFailure = onFailure;
    this.#channel = channel;
    store.subscribe(({ conversation }) => conversation, () => this.#saveSoon());
    if (channel) channel.onmessage = ({ data }) => void this.#hear(data);
  }

  /**
   * @param {string} id
   * @returns {Promise<Conversation | null>} null: there is none of this name, or no storage
   */
  async load(id) {
    const conversation = await this.#attempt((database) => database.load(id));
    if (!conversation) return null;
    const settled = stopAbandoned(conversation, Date.now() - ABANDONED_MS);
    this.#saved = settled;
    return settled;
  }

  /** Reads the list of conversations anew. */
  async refreshList() {
    const list = await this.#attempt((database) => database.list());
    if (list) this.#store.update((state) => ({ ...state, list }));
  }

  /**
   * Names a conversation that is not open.
   * @param {string} id
   * @param {string} title
   */
  async rename(id, title) {
    await this.#attempt((database) => database.rename(id, title, Date.now()));
    this.#tell({ changed: id });
    await this.refreshList();
  }

  /**
   * @param {string} key
   * @returns {Promise<Blob | null>} bytes of a picture
   */
  blob(key) {
    return this.#attempt((database) => database.blob(key));
  }

  /** @param {string} id */
  async delete(id) {
    await this.#attempt((database) => database.delete(id));
    this.#tell({ changed: id });
    await this.refreshList();
  }

  async clear() {
    await this.#attempt((database) => database.clear());
    this.#tell({ changed: "" });
    await this.refreshList();
  }

  /** Stores what has changed now, such as before the page is closed. */
  async flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const { conversation, readOnly } = this.#store.get();
    if (readOnly || conversation === this.#saved || isEmpty(conversation)) return;
    this.#saved = conversation;
    const stored = await this.#attempt((database) => database.save(conversation));
    if (!stored) return;
    this.#take(stored);
    this.#tell({ changed: conversation.id });
    const summary = summaryOf(stored);
    this.#store.update((state) => ({ ...state, list: [summary, ...state.list.filter(({ id }) => id !== summary.id)] }));
  }

  #saveSoon() {
    const { conversation } = this.#store.get();
    const growing = conversation.turns.some(({ answers }) => answers.some(isBusy)), hasEnded = this.#growing && !growing;
    this.#growing = growing;
    if (conversation === this.#saved || (this.#timer && !hasEnded)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), growing ? GROWING_PAUSE_MS : PAUSE_MS);
  }

  /** @param {Conversation} other state of the open conversation from elsewhere */
  #take(other) {
    const { conversation } = this.#store.get();
    if (conversation.id !== other.id) return;
    const merged = mergeConversations(conversation, other);
    if (merged === conversation) return;
    if (conversation === this.#saved) this.#saved = merged;
    this.#store.update((state) => ({ ...state, conversation: merged }));
  }

  /** @param {{changed?: string}} message of another window */
  async #hear({ changed }) {
    if (changed === this.#store.get().conversation.id) {
      const stored = await this.#attempt((database) => database.load(changed));
      if (stored) this.#take(stored);
    }
    await this.refreshList();
  }

  /** @param {{changed: string}} message */
  #tell(message) {
    this.#channel?.postMessage(message);
  }

  /**
   * @template T
   * @param {(database: Database) => Promise<T>} act
   * @returns {Promise<T | null>} null: it failed
   */
  async #attempt(act) {
    try {
      this.#database ??= this.#open();
      return await act(await this.#database);
    } catch (error) {
      if (!this.#failed) this.#onFailure(error);
      this.#failed = true;
      return null;
    }
  }
}
