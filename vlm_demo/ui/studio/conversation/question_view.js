// A question in the conversation: what was asked for, its words, its pictures and regions.
import { h } from "../../components/dom.js";
import { easeLongWords } from "../../components/long_words.js";
import { say } from "../../i18n/say.js";
import { isSearchByExample, modeOf, MODE_NAMES, STYLE_NAMES } from "../composer/modes.js";
import { icon } from "../icons.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Turn} Turn */
/** @typedef {import("../state/types.js").Picture} Picture */

/**
 * @param {Studio} studio
 * @param {Turn} turn
 * @param {Picture[]} pictures those of the turn that the turns before did not show
 * @returns {HTMLElement}
 */
export function createQuestion(studio, turn, pictures) {
  const { task, text, targets, regions } = turn, { mode, style } = modeOf(turn);
  const label = mode === "caption" && style !== "short" ? say("Caption: {style}", { style: say(STYLE_NAMES[style]) }) : say(MODE_NAMES[mode]);
  const edit = () => {
    studio.asking.edit(turn.id);
    studio.focusComposer();
  };
  const words = h("span", { class: "question-text", dir: "auto" }, text);
  easeLongWords(words, text);
  return h(
    "div", { class: "question" },
    pictures.length ? h("div", { class: "question-pictures" }, ...pictures.map((picture) => thumbnail(studio, picture))) : null,
    h("div", { class: "question-line" }, h("button", { type: "button", class: "icon-button small", data: { act: "edit" }, title: say("Edit question"), "aria-label": say("Edit question"), onclick: edit }, icon("edit")), h(
      "div", { class: "question-words" },
      task === "chat" ? null : h("span", { class: "question-task" }, label),
      targets.length ? h("span", { class: "question-targets" }, ...targets.flatMap((target, index) => [index ? ", " : "", h("span", { dir: "auto" }, target)])) : null,
      isSearchByExample(turn) ? h("span", { class: "question-text" }, say("All like the marked region")) : null,
      text ? words : null,
      regions.length ? h("span", { class: "question-regions", title: say("Marked regions") }, icon("box"), String(regions.length), h("span", { class: "sr-only" }, say("Marked regions"))) : null,
    )),
  );
}

/**
 * @param {Studio} studio
 * @param {Picture} picture
 */
function thumbnail(studio, picture) {
  const show = () => studio.showPicture(picture.key);
  const url = studio.pictures.url(picture), label = say("Show {name}", { name: picture.name });
  const lost = h("span", { class: "picture-gone" }, picture.status === "gone" ? say("This image is no longer stored.") : picture.name);
  const image = url ? h("img", { src: url, alt: picture.name, loading: "lazy", onerror: () => void studio.pictures.renew(picture.key) }) : lost;
  return h("button", { type: "button", class: "thumbnail", title: label, "aria-label": label, onclick: show }, image);
}
