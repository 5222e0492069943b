// Plays a film on the canvas, with what was found in it: the browser plays the file itself, where it can.
import { h } from "../../components/dom.js";
import { message } from "../../i18n/say.js";
import { nearestFrame, timeOf } from "../strip/times.js";
import { placesAt } from "./tracks.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Picture} Picture */

/** How long each frame is shown where the browser cannot play the file, in milliseconds. */
const FRAME_MS = 700;

/** Plays one film at a time. */
export class FilmPlayer {
  #studio;
  #host;
  #canvas;
  /** @type {HTMLVideoElement | null} */
  #video = null;
  #url = "";
  /** @type {any} */
  #timer = 0;
  /** @type {Picture | null} */
  #film = null;
  /** Called when it begins or ends. */
  onChange = () => {};
  /** Called with the seconds at which it is, while the browser plays the file. */
  onTime = /** @type {(seconds: number) => void} */ (() => {});

  /**
   * @param {Studio} studio
   * @param {HTMLElement} host of the canvas
   * @param {{layers: any, drawMoving: (layers: any) => void}} canvas
   */
  constructor(studio, host, canvas) {
    this.#studio = studio;
    this.#host = host;
    this.#canvas = canvas;
  }

  get isPlaying() {
    return this.#film !== null;
  }

  /**
   * @param {Picture} film
   * @param {number} frame where it begins, from 0
   */
  async play(film, frame) {
    this.stop();
    this.#film = film;
    this.onChange();
    const blob = film.blob ?? await this.#studio.loadBlob(film.key), sheet = this.#host.querySelector(".sheet img");
    if (this.#film !== film) return;
    if (!blob || !sheet) return this.#step(frame);
    this.#url = URL.createObjectURL(blob);
    const video = this.#video = /** @type {HTMLVideoElement} */ (h("video", { muted: true, playsinline: true, src: this.#url }));
    video.muted = true;
    video.addEventListener("ended", () => this.stop());
    video.addEventListener("error", () => this.#video === video && this.#fallBack(frame), { once: true });
    video.addEventListener("loadedmetadata", () => { video.currentTime = film.times?.[frame] ?? 0; });
    sheet.after(video);
    try {
      await video.play();
      this.#follow();
    } catch {
      if (this.#video === video) this.#fallBack(frame);
    }
  }

  /** The frame at which it stands is shown. */
  stop() {
    const film = this.#film, video = this.#video;
    if (!film) return;
    clearTimeout(this.#timer);
    this.#film = this.#video = null;
    const seconds = video?.currentTime;
    video?.remove();
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = "";
    if (seconds !== undefined) this.#studio.showPage(film.key, nearestFrame(film.times ?? [0], seconds));
    this.#canvas.layers = this.#studio.shownLayers().filter(({ listed }) => listed);
    this.onChange();
  }

  /**
   * Goes on from another frame, while it plays.
   * @param {number} frame from 0; between two of them where it has a fraction
   */
  seek(frame) {
    const times = this.#film?.times ?? [];
    if (this.#video) this.#video.currentTime = timeOf(times, frame);
    else if (this.#film) {
      clearTimeout(this.#timer);
      this.#step(Math.round(frame));
    }
  }

  /** @param {number} frame */
  #fallBack(frame) {
    this.#video?.remove();
    this.#video = null;
    this.#studio.notify({ id: "film", text: message("This browser cannot play this video; its frames are shown one after the other.") });
    this.#step(frame);
  }

  /** @param {number} frame */
  #step(frame) {
    const film = this.#film;
    if (!film) return;
    if (frame >= film.frames) return this.stop();
    this.#studio.showPage(film.key, frame);
    this.#timer = setTimeout(() => this.#step(frame + 1), FRAME_MS);
  }

  #follow() {
    if (!this.#video || !this.#film) return;
    this.#draw(this.#video.currentTime);
    requestAnimationFrame(() => this.#follow());
  }

  /** @param {number} seconds */
  #draw(seconds) {
    this.onTime(seconds);
    const { turns } = this.#studio.store.get().conversation, found = new Map(turns.flatMap(({ answers }) => answers).filter(({ film }) => film?.root === this.#film?.key).map((answer) => [answer.id, placesAt(/** @type {any} */ (answer.film), seconds)]));
    this.#canvas.drawMoving(this.#studio.layers().filter((layer) => layer.listed && layer.visible && found.has(layer.answer)).map((layer) => {
      const region = found.get(layer.answer)?.get(layer.phrase), mention = layer.mentions[0];
      return { ...layer, mentions: region && mention ? [{ ...mention, regions: [region] }] : [] };
    }));
  }
}
