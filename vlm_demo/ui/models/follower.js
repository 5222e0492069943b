// Follows a process on the server: starts and stops it, and asks how it goes while it runs.
import { call } from "../studio/api/call.js";

const EVERY_MS = 2000;

/** Answers come in the order of what people did: an older look at the process never overwrites what that said. */
export class Follower {
  #look;
  #draw;
  #timer = 0;
  #acts = 0;

  /**
   * @param {string} look name of the call that says how the process goes
   * @param {(answer: any) => void} draw shows what a call returned
   */
  constructor(look, draw) {
    this.#look = look;
    this.#draw = draw;
  }

  /**
   * Calls what starts or stops the process; throws what the call throws.
   * @param {string} name
   * @param {unknown[]} [inputs]
   */
  async act(name, inputs = []) {
    const act = ++this.#acts;
    clearTimeout(this.#timer);
    const answer = await call(name, inputs);
    if (act === this.#acts) this.#draw(answer);
  }

  /** Looks again in a while. */
  wait() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#lookAgain(), EVERY_MS);
  }

  async #lookAgain() {
    const acts = this.#acts;
    try {
      const answer = await call(this.#look);
      if (acts === this.#acts) this.#draw(answer);
    } catch {
      this.wait(); // the connection may come back
    }
  }
}
