// The line above the thumbnails: what is shown, how much is selected, whether it is asked about together.
import { fill, h, setText } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { icon } from "../icons.js";
import { MAX_ENTRIES } from "./entries.js";
import { labelOf } from "./thumbnail.js";
import { describeTime } from "./times.js";

/** @typedef {import("./entries.js").Entry} Entry */

/**
 * @typedef {object} HeadOptions
 * @property {(step: number) => void} onStep to the entry before or behind
 * @property {(all: boolean) => void} onSelectAll true: all; false: only the one on the canvas
 * @property {(inTurn: boolean) => void} onInTurn
 * @property {(page: number) => void} onFirst the strip begins with this page, from 0
 * @property {() => void} onRemoveFile
 * @property {(oneFrame: boolean) => void} onOneFrame
 * @property {() => void} onPlay the film plays, or stops
 */

/** @param {HeadOptions} options */
export function createStripHead(options) {
  const place = h("span", { class: "place" }), selected = h("span", { class: "hint", role: "status" });
  const button = (/** @type {"back" | "forth" | "trash"} */ name, /** @type {string} */ label, /** @type {() => void} */ act) => h(
    "button", { type: "button", class: "icon-button small", title: label, "aria-label": label, onclick: act }, icon(name));
  const all = h("button", { type: "button", class: "text-button", onclick: () => options.onSelectAll(all.dataset.all === "true") });
  const each = h("input", { type: "checkbox", onchange: () => options.onInTurn(each.checked) });
  const turns = h("label", { class: "in-turn", title: say("Asks about each selected image, one after another") }, each, say("One by one"));
  const first = h("input", { type: "number", min: 1, class: "first-page", "aria-label": say("First page on the strip"), onchange: () => options.onFirst(Math.max(1, Number(first.value) || 1) - 1) });
  const range = h("label", { class: "range hint" });
  const whole = h("input", { type: "checkbox", onchange: () => options.onOneFrame(!whole.checked) });
  const film = h("label", { class: "in-turn" }, whole, say("Find through the whole video"));
  const play = h("button", { type: "button", class: "icon-button small", data: { act: "play" }, onclick: options.onPlay });
  const remove = button("trash", say("Remove file"), options.onRemoveFile);
  const root = h("div", { class: "strip-head" }, play, button("back", say("Earlier one"), () => options.onStep(-1)), place, button("forth", say("Later one"), () => options.onStep(1)), selected, all, turns, film, range, remove);
  /**
   * @param {readonly Entry[]} entries
   * @param {Entry | undefined} shown
   */
  const drawRange = (entries, shown) => {
    range.hidden = !shown || shown.frames <= MAX_ENTRIES;
    if (shown && !range.hidden) {
      const begin = entries.find(({ root: own }) => own === shown.root)?.frame ?? 0;
      if (document.activeElement !== first) first.value = String(begin + 1);
      first.max = String(shown.frames);
      if (!range.contains(first)) fill(range, say("{most} pages from", { most: MAX_ENTRIES }), first);
    }
  };
  /**
   * @param {Entry | undefined} shown
   * @param {boolean} finds
   * @param {boolean} oneFrame
   * @param {boolean} isPlaying
   */
  const drawFilm = (shown, finds, oneFrame, isPlaying) => {
    play.hidden = shown?.kind !== "film";
    film.hidden = play.hidden || !finds;
    whole.checked = !oneFrame;
    const label = isPlaying ? say("Stop playing") : say("Play");
    if (play.title !== label) {
      play.title = label;
      play.setAttribute("aria-label", label);
      fill(play, icon(isPlaying ? "stop" : "play"));
    }
  };
  /**
   * @param {readonly Entry[]} entries
   * @param {Entry | undefined} shown
   * @param {boolean} inTurn
   * @param {{isForced?: boolean, finds?: boolean, oneFrame?: boolean, isPlaying?: boolean}} state `isForced`: the model cannot be asked
   *   otherwise; `finds`: things are looked for
   */
  const draw = (entries, shown, inTurn, { isForced = false, finds = false, oneFrame = false, isPlaying = false }) => {
    const count = entries.filter(({ isSelected }) => isSelected).length, isPart = (shown?.frames ?? 1) > 1;
    setText(place, !shown ? "" : isPart ? describePart(shown) : say("Image {number} of {n}", { number: entries.indexOf(shown) + 1, n: entries.length }));
    setText(selected, count > 1 ? say("{count} selected", { count }) : "");
    all.dataset.all = String(count < 2);
    setText(all, count < 2 ? say("Select all") : say("Only this one"));
    turns.hidden = count < 2;
    each.checked = inTurn || isForced;
    each.disabled = isForced;
    drawRange(entries, shown);
    remove.hidden = !isPart;
    drawFilm(shown, finds, oneFrame, isPlaying);
  };
  return { element: root, draw };
}

/**
 * Which page or frame it is, of how many.
 * @param {Entry} entry
 */
function describePart({ kind, frame, frames: count, time }) {
  if (kind === "document" || time === null) return say("{part} of {count}", { part: labelOf(kind, frame, time), count });
  return say("Frame {number} of {count}, {time}", { number: frame + 1, count, time: describeTime(time) });
}
