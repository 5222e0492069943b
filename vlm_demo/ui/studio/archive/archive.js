// Past conversations: opens, begins, names and deletes them, and keeps the address of the page in step.
import { message } from "../../i18n/say.js";
import { emptyDraft } from "../composer/modes.js";
import { stopAnswer } from "../state/answers.js";
import { changeAnswer, isEmpty, newConversation, restored, stopAbandoned } from "../state/conversations.js";
import { newId } from "../state/ids.js";
import { LINK } from "./links.js";
import { readConversation, writeConversation } from "../state/address.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Conversation} Conversation */

/** Where a window remembers which conversation it has open, for addresses that do not say. */
const KEY = "vlm-demo.conversation";
/** Where it remembers which answers it is asking for. */
const RUNNING = "vlm-demo.running";

/** The conversations of this browser. */
export class Archive {
  #studio;
  #persistence;
  /** Counts what was shown or asked for: a load that ends later than the next of them shows nothing any more. */
  #steps = 0;

  /**
   * @param {Studio} studio
   * @param {import("../state/persistence.js").Persistence} persistence
   */
  constructor(studio, persistence) {
    this.#studio = studio;
    this.#persistence = persistence;
  }

  /**
   * Opens the conversation of the address, or the one that this window had open. Who has begun something before it is
   * there goes on with that, and words that are written by then stay in the composer.
   */
  async start() {
    const isLink = new URLSearchParams(location.search).has(LINK);
    const id = isLink ? null : readConversation(location.search) ?? recall(KEY);
    const isUntouched = () => isEmpty(this.#studio.store.get().conversation);
    if (id && await this.#load(id, { isWanted: isUntouched, keepsDraft: true }) === "missing" && readConversation(location.search) === id) {
      this.#studio.notify({ id: "conversation", text: message("This conversation is not stored in this browser.") });
    }
    this.#stopOwn();
    this.#studio.store.subscribe(({ conversation, readOnly }) => (readOnly || isEmpty(conversation) ? null : conversation.id), (named) => this.#name(named), { now: true });
    addEventListener("popstate", () => void this.#follow());
    // Storing what was written last must not wait until the page is gone.
    addEventListener("pagehide", () => void this.#persistence.flush());
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && void this.#persistence.flush());
    await this.#persistence.refreshList();
  }

  /** What this window was asking for before it was reloaded has stopped. */
  #stopOwn() {
    const { store } = this.#studio, own = new Set(recall(RUNNING).split(" "));
    const stop = (/** @type {import("../state/types.js").Answer} */ answer) => (own.has(answer.id) ? stopAnswer(answer, Date.now()) : answer);
    store.update((state) => ({
      ...state, conversation: state.conversation.turns.reduce((all, turn) => turn.answers.reduce((one, { id }) => changeAnswer(one, turn.id, id, stop, Date.now()), all), state.conversation),
    }));
    store.subscribe(({ running }) => running.join(" "), (running) => remember(RUNNING, running));
  }

  /** @param {string} id */
  async open(id) {
    this.#steps += 1;
    if (id === this.#studio.store.get().conversation.id) return;
    const stored = this.#leave();
    if (await this.#load(id) === "shown") history.pushState(null, "", writeConversation(location.href, id));
    await stored;
  }

  /** Begins a conversation at once; the one before is stored meanwhile. */
  async create() {
    const stored = this.#leave();
    this.show(newConversation(newId(), Date.now()));
    history.pushState(null, "", writeConversation(location.href, null));
    this.#studio.focusComposer();
    await stored;
  }

  /**
   * Shows a conversation that came out of a file, to be read only.
   * @param {Conversation} conversation
   */
  async showFile(conversation) {
    const stored = this.#leave();
    this.show(conversation, { readOnly: true });
    await stored;
  }

  /**
   * Shows a conversation in place of the open one.
   * @param {Conversation} conversation
   * @param {{readOnly?: boolean, keepsDraft?: boolean}} [options]
   */
  show(conversation, { readOnly = false, keepsDraft = false } = {}) {
    this.#steps += 1;
    this.#studio.drawRegions([]);
    const attached = conversation.shown && conversation.pictures.some(({ key }) => key === conversation.shown) ? [conversation.shown] : [];
    this.#studio.store.update((state) => ({
      ...state, conversation, readOnly, draft: { ...(keepsDraft ? state.draft : emptyDraft()), options: state.draft.options, pictures: attached }, pointed: null, drawer: null,
    }));
  }

  /** Goes on with a conversation that came out of a file, as one of one's own. */
  keep() {
    const { conversation } = this.#studio.store.get();
    this.show({ ...conversation, id: newId(), changed: Date.now() });
  }

  /**
   * @param {string} id
   * @param {string} title
   */
  async rename(id, title) {
    const { conversation } = this.#studio.store.get();
    if (conversation.id === id) {
      this.#studio.changeConversation((one) => ({ ...one, title }));
      await this.#persistence.flush();
    } else await this.#persistence.rename(id, title);
  }

  /** @param {string} id */
  async delete(id) {
    const { conversation } = this.#studio.store.get();
    if (conversation.id === id) await this.#abandon();
    await this.#persistence.delete(id);
  }

  async clear() {
    await this.#abandon();
    await this.#persistence.clear();
  }

  /** Stores the open conversation; what is being answered in it stops. */
  async #leave() {
    const { store, asking } = this.#studio;
    asking.running.stopAll();
    store.update((state) => ({ ...state, conversation: stopAbandoned(state.conversation, Infinity) }));
    await this.#persistence.flush();
  }

  /** Leaves the open conversation without storing it. */
  async #abandon() {
    this.#studio.asking.running.stopAll();
    this.show(newConversation(newId(), Date.now()));
    history.replaceState(null, "", writeConversation(location.href, null));
    await Promise.resolve();
  }

  /**
   * Shows a stored conversation, unless something else was shown or asked for while it was read.
   * @param {string} id
   * @param {{isWanted?: () => boolean, keepsDraft?: boolean}} [options] `isWanted` is asked when it is there
   * @returns {Promise<"shown" | "missing" | "overtaken">}
   */
  async #load(id, { isWanted = () => true, keepsDraft = false } = {}) {
    const step = this.#steps += 1;
    const found = await this.#persistence.load(id);
    if (step !== this.#steps || !isWanted()) return "overtaken";
    if (found) this.show(restored(found), { keepsDraft });
    return found ? "shown" : "missing";
  }

  /** The address has changed, as by Back. */
  async #follow() {
    if ((new URLSearchParams(location.search).get("view") ?? "studio") !== "studio") return;
    const id = readConversation(location.search), { conversation } = this.#studio.store.get();
    this.#steps += 1;
    if (id === conversation.id || (!id && isEmpty(conversation))) return;
    const stored = this.#leave();
    if (!id || await this.#load(id) === "missing") this.show(newConversation(newId(), Date.now()));
    await stored;
  }

  /** @param {string | null} id of the open conversation; null: it is empty */
  #name(id) {
    remember(KEY, id ?? "");
    this.writeAddress();
  }

  /** Puts the open conversation into the address, where Studio is the view that it names. */
  writeAddress() {
    const { conversation, readOnly } = this.#studio.store.get(), view = new URLSearchParams(location.search).get("view") ?? "studio";
    if (view !== "studio" || readOnly || isEmpty(conversation) || readConversation(location.search) === conversation.id) return;
    history.replaceState(null, "", writeConversation(location.href, conversation.id));
  }
}

/**
 * @param {string} key
 * @returns {string} "" where storage is forbidden too
 */
function recall(key) {
  try {
    return sessionStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function remember(key, value) {
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // Storage is forbidden here: the address alone says which conversation is open.
  }
}
