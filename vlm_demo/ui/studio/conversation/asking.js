// Asks models: a new question, the same once more, another model; and stops them.
import { message } from "../../i18n/say.js";
import { call, stream } from "../api/call.js";
import { isAbort } from "../api/errors.js";
import { ADD_IMAGE, problemOf } from "../api/problems.js";
import { afterSending, draftOf, isSendable, taskOf } from "../composer/modes.js";
import { applyEvents, failAnswer, hasContent, newAnswer, renewAnswer, stopAnswer } from "../state/answers.js";
import { addTurn, changeAnswer, changeTurn, deleteTurns, findAnswer, restoreTurns } from "../state/conversations.js";
import { newId } from "../state/ids.js";
import { buildRequest, nameImages, PICTURE_TASKS, picturesOf } from "../state/requests.js";
import { newTurn, settled } from "./new_turn.js";

/** @typedef {import("../state/types.js").State} State */
/** @typedef {import("../state/types.js").Turn} Turn */
/** @typedef {import("../state/types.js").Answer} Answer */
/** @typedef {import("../state/types.js").Conversation} Conversation */
/** @typedef {import("../state/types.js").Draft} Draft */

/** How long a stopped model may take to say what it wrote, before its stream is closed. */
const STOP_MS = 1500;

/** Runs answers, any number at a time, and writes what comes into the state. */
export class Asking {
  #store;
  #pictures;
  #onUndo;
  /** @type {Map<string, AbortController>} by id of the answer */
  #running = new Map();

  /**
   * @param {import("../state/store.js").Store<State>} store
   * @param {import("../api/pictures.js").Pictures} pictures
   * @param {(what: "replaced" | "deleted", count: number, undo: () => void) => void} onUndo turns are gone, which can be undone
   */
  constructor(store, pictures, onUndo) {
    this.#store = store;
    this.#pictures = pictures;
    this.#onUndo = onUndo;
  }

  /**
   * Sends what is written. Without a picture, a person is asked first.
   * @param {{withoutPicture?: boolean}} [options]
   */
  async send({ withoutPicture = false } = {}) {
    const { draft, conversation, model } = this.#store.get();
    if (!isSendable(draft)) return;
    const task = taskOf(draft.mode, draft.style);
    if (!this.#hasPicture(draft, conversation)) {
      if (PICTURE_TASKS.has(task)) return void this.#changeDraft({ problem: { message: message("Add an image first."), remedies: [ADD_IMAGE, { action: "example", label: message("Try an example") }] } });
      if (!withoutPicture) return void this.#changeDraft({ asking: true, problem: null });
    }
    const turn = newTurn(draft, conversation, model);
    const before = conversation.turns;
    const replaced = draft.editing ? before.slice(before.findIndex(({ id }) => id === draft.editing)) : [];
    this.#store.update((state) => ({ ...state, conversation: addTurn(state.conversation, turn, draft.editing), draft: afterSending(draft) }));
    if (replaced.length) this.#offerUndo("replaced", replaced.length, before, conversation.id);
    await this.#run(turn.id, turn.answers[0].id, () => this.#giveBack(turn, draft));
  }

  /**
   * Asks a turn again; the answer so far stays within reach.
   * @param {string} turn
   * @param {string} answer
   * @param {{model?: string, options?: Partial<import("../state/types.js").Options>, space?: string}} [changes]
   */
  async again(turn, answer, { model, options, space = "" } = {}) {
    this.stop(answer);
    const now = Date.now(), id = newId();
    this.#store.update((state) => ({
      ...state,
      conversation: changeTurn(state.conversation, turn, (one) => ({
        ...one, options: options ? { ...one.options, ...options } : one.options,
        answers: one.answers.map((old) => (old.id === answer ? renewAnswer(stopAnswer(old, now), newAnswer(id, model ?? old.model, now)) : old)),
      }), now),
    }));
    await this.#run(turn, id, undefined, space);
  }

  /**
   * Asks another model the same, beside the answers of the turn.
   * @param {string} turn
   * @param {string} model
   */
  async compare(turn, model) {
    const now = Date.now(), answer = newAnswer(newId(), model, now);
    this.#store.update((state) => ({
      ...state, conversation: changeTurn(state.conversation, turn, (one) => ({ ...one, answers: [...one.answers, answer] }), now),
    }));
    await this.#run(turn, answer.id);
  }

  /**
   * Stops a model. What it wrote stays.
   * @param {string} answer
   */
  stop(answer) {
    const running = this.#running.get(answer);
    if (!running) return;
    call("studio_stop", [answer]).catch(() => running.abort());
    setTimeout(() => running.abort(), STOP_MS);
  }

  /** Stops all that is running here. */
  stopAll() {
    for (const answer of this.#running.keys()) this.stop(answer);
  }

  /** Tells whether this window is asking a model. */
  runningHere() {
    return this.#running.size > 0;
  }

  /**
   * Puts the question of a turn back into the composer; sending it replaces the turn and what follows.
   * @param {string} id
   */
  edit(id) {
    const turn = this.#find(id);
    if (!turn) return;
    this.#store.update((state) => ({
      ...state, draft: { ...draftOf(state.draft, turn), editing: id },
      conversation: turn.pictures.length ? { ...state.conversation, shown: turn.pictures[turn.pictures.length - 1] } : state.conversation,
    }));
  }

  /** @param {string} id */
  delete(id) {
    const { conversation } = this.#store.get();
    this.#find(id)?.answers.forEach((answer) => this.stop(answer.id));
    this.#store.update((state) => ({ ...state, conversation: deleteTurns(state.conversation, [id], Date.now()) }));
    this.#offerUndo("deleted", 1, conversation.turns, conversation.id);
  }

  /**
   * @param {string} turn
   * @param {string} id of the answer
   * @param {() => boolean} [giveBack] puts the question back into the composer where nothing came; false: it cannot
   * @param {string} [space]
   */
  async #run(turn, id, giveBack, space = "") {
    const controller = new AbortController();
    this.#running.set(id, controller);
    const change = (/** @type {(answer: Answer) => Answer} */ next) => this.#change(turn, id, next);
    try {
      await this.#stream(turn, id, controller, space, true);
      change((answer) => stopAnswer(answer, Date.now()));
    } catch (error) {
      const failed = findAnswer(this.#store.get().conversation, turn, id);
      if (isAbort(error) || controller.signal.aborted) change((answer) => stopAnswer(answer, Date.now()));
      else if (failed && !hasContent(failed) && giveBack?.()) this.#changeDraft({ problem: problemOf(error, []) });
      else change((answer) => failAnswer(answer, problemOf(error), Date.now()));
    } finally {
      this.#running.delete(id);
    }
  }

  /**
   * @param {string} turn
   * @param {string} id
   * @param {AbortController} controller
   * @param {string} space
   * @param {boolean} retry whether a picture that the server has forgotten is sent again
   */
  async #stream(turn, id, controller, space, retry) {
    const asked = this.#find(turn);
    const answer = asked?.answers.find((one) => one.id === id);
    if (!asked || !answer) return;
    const request = { ...buildRequest(this.#store.get().conversation, asked, answer.model, space), turn: id };
    const pictures = picturesOf(request);
    this.#change(turn, id, (one) => ({ ...one, pictures }));
    const named = nameImages(request, await this.#pictures.ids(pictures));
    for await (const events of stream("studio_answer", [named], { signal: controller.signal })) {
      const gone = retry && Array.isArray(events) && events.find((event) => event.image_gone)?.image_gone;
      if (gone) {
        this.#pictures.forget(gone);
        await this.#stream(turn, id, controller, space, pictures.length > 1 && this.#anyForgotten(pictures));
        return;
      }
      if (events?.length) this.#change(turn, id, (one) => applyEvents(one, events, Date.now()));
    }
  }

  /** After a restart the server has forgotten all pictures, and says so of one at a time. @param {string[]} keys */
  #anyForgotten(keys) {
    return this.#store.get().conversation.pictures.some(({ key, serverId }) => keys.includes(key) && serverId !== null);
  }

  /**
   * Takes back a turn to which nothing came: its question is in the composer again.
   * @param {Turn} turn
   * @param {Draft} draft
   */
  #giveBack(turn, draft) {
    const now = this.#store.get().draft;
    if (now.text.trim() || now.tags.length) return false;
    this.#store.update((state) => ({
      ...state, conversation: deleteTurns(state.conversation, [turn.id], Date.now()), draft: { ...draft, editing: null, asking: false, problem: null },
    }));
    return true;
  }

  /**
   * @param {Draft} draft
   * @param {Conversation} conversation
   */
  #hasPicture({ pictures }, { turns, pictures: all }) {
    const usable = new Set(all.filter(({ status }) => status !== "failed" && status !== "gone").map(({ key }) => key));
    return pictures.some((key) => usable.has(key)) || (pictures.length === 0 && turns.some((turn) => turn.pictures.length > 0 && turn.task === "chat"));
  }

  /**
   * @param {"replaced" | "deleted"} what became of them
   * @param {number} count
   * @param {Turn[]} turns
   * @param {string} conversation
   */
  #offerUndo(what, count, turns, conversation) {
    this.#onUndo(what, count, () => this.#store.update((state) => (
      state.conversation.id === conversation ? { ...state, conversation: restoreTurns(state.conversation, turns.map(settled), Date.now()) } : state)));
  }

  /** @param {string} id */
  #find(id) {
    return this.#store.get().conversation.turns.find((turn) => turn.id === id);
  }

  /**
   * @param {string} turn
   * @param {string} answer
   * @param {(answer: Answer) => Answer} change
   */
  #change(turn, answer, change) {
    this.#store.update((state) => {
      const conversation = changeAnswer(state.conversation, turn, answer, change, Date.now());
      return conversation === state.conversation ? state : { ...state, conversation };
    });
  }

  /** @param {Partial<Draft>} change */
  #changeDraft(change) {
    this.#store.update((state) => ({ ...state, draft: { ...state.draft, ...change } }));
  }
}
