// Small pictures of pages and frames, asked for when they come into sight, several at a time.
import { addressOf, call } from "../api/call.js";
import { Explained } from "../api/errors.js";

const PAUSE_MS = 60, MOST = 12;

/** Loads thumbnails. */
export class Thumbnails {
  #pictures;
  /** @type {Map<string, string>} addresses by root and frame; "" while one is on its way, or cannot be drawn */
  #urls = new Map();
  /** @type {Map<string, Set<number>>} wanted frames by root */
  #wanted = new Map();
  #onLoad;
  #timer = 0;

  /**
   * @param {import("../api/pictures.js").Pictures} pictures
   * @param {() => void} onLoad some have come
   */
  constructor(pictures, onLoad) {
    this.#pictures = pictures;
    this.#onLoad = onLoad;
  }

  /** @param {string} root @param {number} frame */
  url(root, frame) {
    return this.#urls.get(`${root}#${frame}`) ?? "";
  }

  /** @param {string} root @param {number} frame */
  want(root, frame) {
    if (this.#urls.has(`${root}#${frame}`)) return;
    this.#urls.set(`${root}#${frame}`, "");
    this.#wanted.set(root, (this.#wanted.get(root) ?? new Set()).add(frame));
    this.#timer ||= window.setTimeout(() => void this.#load(), PAUSE_MS);
  }

  async #load() {
    this.#timer = 0;
    const wanted = this.#wanted;
    this.#wanted = new Map();
    for (const [root, set] of wanted) {
      const frames = [...set].sort((one, other) => one - other);
      for (let at = 0; at < frames.length; at += MOST) await this.#fetch(root, frames.slice(at, at + MOST), true);
    }
  }

  /**
   * @param {string} root
   * @param {number[]} frames
   * @param {boolean} retry once more where the server has forgotten the file
   * @returns {Promise<void>}
   */
  async #fetch(root, frames, retry) {
    try {
      const ids = await this.#pictures.ids([root]), { urls } = await call("studio_thumbnails", [ids.get(root), frames]);
      frames.forEach((frame, index) => this.#urls.set(`${root}#${frame}`, urls[index] && addressOf(urls[index])));
      this.#onLoad();
    } catch (error) {
      if (retry && error instanceof Explained && error.imageGone) {
        this.#pictures.forget([root]);
        return this.#fetch(root, frames, false);
      }
      // They are numbers without pictures then, and asked for again when they next come into sight.
      for (const frame of frames) this.#urls.delete(`${root}#${frame}`);
    }
  }
}
