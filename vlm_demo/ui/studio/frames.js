// Frames of an animation and pages of a document: which one is shown, and the others.
import { h, setText } from "../components/dom.js";
import { say } from "../i18n/say.js";
import { icon } from "./icons.js";

/** @typedef {import("./studio.js").Studio} Studio */

/**
 * @param {Studio} studio
 * @returns {HTMLElement}
 */
export function createFrames(studio) {
  const place = h("span", { role: "status" });
  const button = (/** @type {"back" | "forth"} */ name, /** @type {string} */ label, /** @type {number} */ step) => h(
    "button", { type: "button", class: "icon-button small", title: label, "aria-label": label, onclick: () => void go(step) }, icon(name));
  const root = h("div", { class: "frames", role: "group", "aria-label": say("Frames") }, button("back", say("Earlier frame"), -1), place, button("forth", say("Later frame"), 1));
  const shown = () => {
    const { conversation } = studio.store.get();
    return conversation.pictures.find(({ key }) => key === conversation.shown);
  };
  const go = async (/** @type {number} */ step) => {
    const picture = shown(), frame = (picture?.frame ?? 0) + step;
    if (!picture || frame < 0 || frame >= picture.frames) return;
    try {
      await studio.pictures.showFrame(picture.key, frame);
    } catch (error) {
      studio.report(error);
    }
  };
  studio.store.subscribe(shown, () => {
    const picture = shown(), count = picture?.frames ?? 1;
    root.hidden = count < 2;
    setText(place, say("Frame {number} of {count}", { number: (picture?.frame ?? 0) + 1, count }));
  }, { now: true });
  return root;
}
