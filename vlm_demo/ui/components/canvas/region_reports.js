/** @import { Region } from "./types.js" */

const ECHO_MS = 1500; // time in which the echo of a report may come back
const LEAST_MS = 120; // between two reports
const REMEMBERED = 10;

/** Reports of marked regions to a server, and what comes back: other regions, or an echo of a report. */
export class RegionReports {
  #report;

  /** @type {readonly Region[]} */
  #newest = [];

  /** @type {{text: string, when: number}[]} */
  #sent = [];

  #due = 0;
  #received = "";
  #clock;

  /**
   * @param {(regions: readonly Region[]) => void} report
   * @param {() => number} [clock] milliseconds
   */
  constructor(report, clock = () => performance.now()) {
    this.#report = report;
    this.#clock = clock;
  }

  /** @param {readonly Region[]} regions */
  send(regions) {
    this.#newest = regions;
    if (this.#due) return;
    const wait = (this.#sent.at(-1)?.when ?? -LEAST_MS) + LEAST_MS - this.#clock();
    if (wait <= 0) this.#sendNow();
    else this.#due = Number(setTimeout(() => this.#sendNow(), wait));
  }

  #sendNow() {
    this.#due = 0;
    this.#sent = [...this.#sent, { text: JSON.stringify(this.#newest), when: this.#clock() }].slice(-REMEMBERED);
    this.#report(this.#newest);
  }

  /**
   * Regions came from the server, or none were told.
   *
   * @param {readonly Region[] | undefined} regions
   * @returns {readonly Region[] | null} those that take the place of what is marked; null: none do
   */
  receive(regions) {
    const text = JSON.stringify(regions) ?? "";
    if (text === this.#received) return null;
    this.#received = text;
    if (!regions || this.#sent.some((one) => one.text === text && this.#clock() - one.when < ECHO_MS)) return null;
    clearTimeout(this.#due);
    this.#due = 0;
    this.#sent = []; // from now on, earlier reports are no echoes
    return regions;
  }
}
