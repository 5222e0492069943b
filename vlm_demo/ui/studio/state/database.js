// Conversations and their pictures in the browser's own database, https://www.w3.org/TR/IndexedDB/.
import { mergeConversations } from "./merge.js";
import { summaryOf } from "./conversations.js";

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").Summary} Summary */

const NAME = "vlm-demo";
const VERSION = 1;
const CONVERSATIONS = "conversations", BLOBS = "pictures";

/**
 * Opens the database.
 * @param {IDBFactory} factory
 * @returns {Promise<Database>}
 */
export async function openDatabase(factory) {
  const request = factory.open(NAME, VERSION);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(CONVERSATIONS, { keyPath: "id" });
    request.result.createObjectStore(BLOBS);
  };
  const database = await result(request);
  // Another window has a newer page: it must not wait for this one.
  database.onversionchange = () => database.close();
  return new Database(database);
}

/** The stored conversations. Every method fails where the storage is full or forbidden. */
export class Database {
  #database;

  /** @param {IDBDatabase} database */
  constructor(database) {
    this.#database = database;
  }

  /**
   * Stores a conversation, merged with what another window may have stored meanwhile.
   * @param {Conversation} conversation
   * @returns {Promise<Conversation>} what is stored now
   */
  async save(conversation) {
    const transaction = this.#begin("readwrite");
    const table = transaction.objectStore(CONVERSATIONS), blobs = transaction.objectStore(BLOBS);
    const stored = /** @type {Conversation | undefined} */ (await result(table.get(conversation.id)));
    const merged = stored ? mergeConversations(conversation, { ...stored, pictures: stored.pictures }) : conversation;
    const known = new Set(stored?.pictures.map(({ key }) => key));
    for (const { key, blob } of conversation.pictures) if (blob && !known.has(key)) blobs.put(blob, key);
    // Bytes have a table of their own, so that they are written once and not with each word of an answer.
    table.put({ ...merged, pictures: merged.pictures.map((picture) => ({ ...picture, blob: null })) });
    await finished(transaction);
    return merged;
  }

  /**
   * @param {string} id
   * @returns {Promise<Conversation | null>}
   */
  async load(id) {
    const transaction = this.#begin("readonly");
    const stored = /** @type {Conversation | undefined} */ (await result(transaction.objectStore(CONVERSATIONS).get(id)));
    if (!stored) return null;
    const blobs = transaction.objectStore(BLOBS);
    const pictures = await Promise.all(stored.pictures.map(async (picture) => ({ ...picture, blob: (await result(blobs.get(picture.key))) ?? null })));
    return { ...stored, pictures };
  }

  /**
   * @param {string} key of a picture
   * @returns {Promise<Blob | null>}
   */
  async blob(key) {
    return (await result(this.#begin("readonly").objectStore(BLOBS).get(key))) ?? null;
  }

  /**
   * @param {string} id
   * @param {string} title
   * @param {number} now
   */
  async rename(id, title, now) {
    const transaction = this.#begin("readwrite"), table = transaction.objectStore(CONVERSATIONS);
    const stored = await result(table.get(id));
    if (stored) table.put({ ...stored, title, changed: now });
    await finished(transaction);
  }

  /**
   * Returns what there is, newest first.
   * @returns {Promise<Summary[]>}
   */
  async list() {
    const all = /** @type {Conversation[]} */ (await result(this.#begin("readonly").objectStore(CONVERSATIONS).getAll()));
    return all.map(summaryOf).sort((one, other) => other.changed - one.changed);
  }

  /** @param {string} id */
  async delete(id) {
    const transaction = this.#begin("readwrite");
    const table = transaction.objectStore(CONVERSATIONS);
    const stored = /** @type {Conversation | undefined} */ (await result(table.get(id)));
    for (const { key } of stored?.pictures ?? []) transaction.objectStore(BLOBS).delete(key);
    table.delete(id);
    await finished(transaction);
  }

  async clear() {
    const transaction = this.#begin("readwrite");
    transaction.objectStore(CONVERSATIONS).clear();
    transaction.objectStore(BLOBS).clear();
    await finished(transaction);
  }

  /** @param {IDBTransactionMode} mode */
  #begin(mode) {
    return this.#database.transaction([CONVERSATIONS, BLOBS], mode);
  }
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const result = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/**
 * @param {IDBTransaction} transaction
 * @returns {Promise<void>}
 */
const finished = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = () => resolve();
  transaction.onabort = () => reject(transaction.error);
});
