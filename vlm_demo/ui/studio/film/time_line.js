// The line below a film on which one goes to another time.
import { h, setText } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { kindOf, rootOf } from "../strip/entries.js";
import { describeTime, placeOf, timeOf } from "../strip/times.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Picture} Picture */

/**
 * @param {Studio} studio
 * @param {import("./player.js").FilmPlayer} player
 * @returns {HTMLElement}
 */
export function createTimeLine(studio, player) {
  const { store } = studio, place = h("span", { "aria-hidden": "true" });
  const slider = /** @type {HTMLInputElement} */ (h("input", { type: "range", min: 0, step: 1, "aria-label": say("Time in the video"), oninput: () => go(Number(slider.value)) }));
  const root = h("div", { class: "time-line", hidden: true }, slider, place);
  const film = () => filmOnCanvas(store.get().conversation);
  /** @param {number} frame */
  const go = (frame) => {
    const shown = film();
    if (shown && player.isPlaying) player.seek(frame);
    else if (shown) studio.showPage(shown.file.key, Math.round(frame));
  };
  /**
   * @param {Picture} file
   * @param {number} frame from 0, with a fraction between two
   */
  const show = ({ times = [], frames }, frame) => {
    const time = describeTime(timeOf(times, frame));
    slider.max = String(frames - 1);
    slider.value = String(frame);
    slider.setAttribute("aria-valuetext", time);
    setText(place, `${time} / ${describeTime(times.at(-1) ?? 0)}`);
  };
  const draw = () => {
    const shown = film();
    root.hidden = !shown;
    if (shown) show(shown.file, shown.frame);
  };
  player.onTime = (seconds) => {
    const shown = film();
    if (!shown) return;
    slider.step = "any"; // it moves between frames, too
    show(shown.file, placeOf(shown.file.times ?? [], seconds));
  };
  store.subscribe(({ conversation }) => conversation.shown, draw, { now: true });
  store.subscribe(({ conversation }) => conversation.pictures, draw);
  player.onChange = () => {
    slider.step = "1";
    draw();
    studio.drawStrip();
  };
  return root;
}

/**
 * The film that is on the canvas, and which of its frames.
 * @param {import("../state/types.js").Conversation} conversation
 * @returns {{file: Picture, frame: number} | null}
 */
function filmOnCanvas({ pictures, shown }) {
  const picture = pictures.find(({ key }) => key === shown), root = picture && rootOf(picture);
  const file = pictures.find(({ key }) => key === root);
  return file && kindOf(file) === "film" && file.frames > 1 ? { file, frame: picture?.frame ?? 0 } : null;
}
