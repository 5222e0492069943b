// Answers on their way: streams of events of the server, and what becomes of them in the state.
import { call, stream } from "../api/call.js";
import { isAbort } from "../api/errors.js";
import { problemOf } from "../api/problems.js";
import { applyEvents, failAnswer, hasContent, stopAnswer } from "../state/answers.js";
import { changeAnswer, findAnswer, findTurn } from "../state/conversations.js";
import { buildRequest, nameImages, picturesOf } from "../state/requests.js";

/** @typedef {import("../state/types.js").State} State */
/** @typedef {import("../state/types.js").Answer} Answer */
/** @typedef {{space: string, earlier: {raw: string, raws: string[]}}} Reading an answer that is only read again */

/** How long a stopped model may take to say what it wrote, before its stream is closed. */
const STOP_MS = 1500;

/** Runs answers, any number at a time. */
export class Running {
  #store;
  #pictures;
  /** @type {Map<string, AbortController>} by id of the answer */
  #running = new Map();
  /** @type {Set<string>} ids of answers that a person has stopped */
  #stopped = new Set();

  /**
   * @param {import("../state/store.js").Store<State>} store
   * @param {import("../api/pictures.js").Pictures} pictures
   */
  constructor(store, pictures) {
    this.#store = store;
    this.#pictures = pictures;
  }

  /**
   * @param {string} turn
   * @param {string} id of the answer
   * @param {{giveBack?: (error: unknown) => boolean, reading?: Reading | null}} [options] `giveBack` puts the question back
   *   into the composer where nothing came, with an error if there is one; false: it cannot
   */
  async run(turn, id, { giveBack, reading = null } = {}) {
    const controller = new AbortController();
    this.#running.set(id, controller);
    this.#tell();
    const change = (/** @type {(answer: Answer) => Answer} */ next) => this.change(turn, id, next);
    try {
      await this.#stream(turn, id, controller, reading, true);
      if (this.#takeBack(turn, id, giveBack)) return;
      change((answer) => stopAnswer(answer, Date.now()));
    } catch (error) {
      const failed = findAnswer(this.#store.get().conversation, turn, id);
      if (isAbort(error) || controller.signal.aborted) {
        if (!this.#takeBack(turn, id, giveBack)) change((answer) => stopAnswer(answer, Date.now()));
      } else if (failed && !hasContent(failed) && giveBack?.(error)) return;
      else change((answer) => failAnswer(answer, problemOf(error), Date.now()));
    } finally {
      this.#running.delete(id);
      this.#stopped.delete(id);
      this.#tell();
    }
  }

  /**
   * A question that was stopped before its first word is in the composer again.
   * @param {string} turn
   * @param {string} id
   * @param {((error: unknown) => boolean) | undefined} giveBack
   */
  #takeBack(turn, id, giveBack) {
    const answer = findAnswer(this.#store.get().conversation, turn, id);
    return Boolean(answer && this.#stopped.has(id) && !hasContent(answer) && giveBack?.(null));
  }

  /**
   * @param {string} turn
   * @param {string} id
   * @param {AbortController} controller
   * @param {Reading | null} reading
   * @param {boolean} retry whether a picture that the server has forgotten is sent again
   */
  async #stream(turn, id, controller, reading, retry) {
    const asked = findTurn(this.#store.get().conversation, turn);
    const answer = asked?.answers.find((one) => one.id === id);
    if (!asked || !answer) return;
    const request = { ...buildRequest(this.#store.get().conversation, asked, answer.model, reading?.space, reading?.earlier), turn: id };
    const pictures = picturesOf(request);
    const { film } = asked, frames = film ? this.#pictures.framesOf(film) : [];
    this.change(turn, id, (one) => (film ? { ...one, pictures: frames, film: { root: film, frames: [], tracks: [], total: 0 } } : { ...one, pictures }));
    const named = nameImages(request, await this.#pictures.ids(pictures));
    for await (const events of stream(asked.film ? "studio_track" : "studio_answer", [named], { signal: controller.signal })) {
      if (retry && Array.isArray(events) && events.some((event) => event.image_gone)) {
        // After a restart, the server knows none of them.
        this.#pictures.forget(pictures);
        await this.#stream(turn, id, controller, reading, false);
        return;
      }
      if (events?.length) this.change(turn, id, (one) => applyEvents(one, events, Date.now()));
    }
  }

  /**
   * Stops a model. What it wrote stays.
   * @param {string} answer
   */
  stop(answer) {
    const running = this.#running.get(answer);
    if (!running) return;
    this.#stopped.add(answer);
    call("studio_stop", [answer]).catch(() => running.abort());
    setTimeout(() => running.abort(), STOP_MS);
  }

  /** Stops all that is running here. */
  stopAll() {
    for (const answer of this.#running.keys()) this.stop(answer);
  }

  /** Writes into the state which answers this window asks for. */
  #tell() {
    const running = [...this.#running.keys()];
    this.#store.update((state) => ({ ...state, running }));
  }

  /**
   * Changes one answer of the conversation, if it is still there.
   * @param {string} turn
   * @param {string} answer
   * @param {(answer: Answer) => Answer} change
   */
  change(turn, answer, change) {
    this.#store.update((state) => {
      const conversation = changeAnswer(state.conversation, turn, answer, change, Date.now());
      return conversation === state.conversation ? state : { ...state, conversation };
    });
  }
}
