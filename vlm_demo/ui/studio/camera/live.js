// Asks the same about the picture of a camera, again each time that the last answer is done.
import { stream } from "../api/call.js";
import { applyEvents, newAnswer } from "../state/answers.js";
import { newId } from "../state/ids.js";

/** @typedef {import("../state/types.js").Answer} Answer */

/**
 * @typedef {object} LiveOptions
 * @property {() => string | null} grab the present picture as a data address; null: there is none yet
 * @property {(answer: Answer, seconds: number) => void} onAnswer an answer is complete, after so many seconds
 * @property {(error: unknown) => void} onEnd it has ended by itself; an answer that failed is an error too
 * @property {(request: unknown[], signal: AbortSignal) => AsyncIterable<any>} [ask]
 */

/** How long to wait for a first picture, in milliseconds. */
const PAUSE_MS = 100;

/** Several answers, one after the other, until it is stopped. */
export class Live {
  /** @type {AbortController | null} */
  #running = null;
  #options;

  /** @param {LiveOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get isRunning() {
    return this.#running !== null;
  }

  /** @param {{model: string, task: string, text: string, targets: string[]}} request */
  async start(request) {
    this.stop();
    const running = this.#running = new AbortController();
    try {
      while (!running.signal.aborted) await this.#ask(request, running.signal);
    } catch (error) {
      if (running.signal.aborted) return;
      this.#running = null;
      this.#options.onEnd(error);
    }
  }

  /** No answer is asked for any more; the one on its way is given up. */
  stop() {
    this.#running?.abort();
    this.#running = null;
  }

  /**
   * @param {{model: string, task: string, text: string, targets: string[]}} request
   * @param {AbortSignal} signal
   */
  async #ask(request, signal) {
    const { grab, onAnswer, ask = (inputs, stopped) => stream("studio_look", inputs, { signal: stopped }) } = this.#options;
    const picture = grab();
    if (!picture) return void await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
    const begun = performance.now(), turn = newId();
    let answer = newAnswer(turn, request.model, 0);
    for await (const events of ask([{ ...request, turn, images: ["camera"] }, picture], signal)) answer = applyEvents(answer, events, 0);
    if (signal.aborted) return;
    if (answer.problem) throw new LookFailed(answer.problem.message);
    onAnswer(answer, (performance.now() - begun) / 1000);
  }
}

/** The server could not answer. */
export class LookFailed extends Error {
  /** @param {import("../state/types.js").ServerText} told */
  constructor(told) {
    super("The look at the camera failed.");
    this.told = told;
  }
}
