// The row of actions under an answer.
import { h } from "../../components/dom.js";
import { attachMenu } from "../../components/popover.js";
import { say } from "../../i18n/say.js";
import { hasContent } from "../state/answers.js";
import { icon } from "../icons.js";
import { copyText } from "./copy.js";
import { saveAs } from "./download.js";
import { saveTracks } from "../film/downloads.js";
import { moreItems } from "./more.js";
import { compareItems } from "../compare/models_menu.js";
import { toggleCheck } from "../compare/check.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Answer} Answer */
/** @typedef {import("../state/types.js").Turn} Turn */
/** @typedef {import("../icons.js").IconName} IconName */

/** Icons that act on one answer; what opens beside it goes into `extra`. */
export class ActionRow {
  #studio;
  /** @type {Answer | null} */
  #answer = null;
  #regenerate;
  #download;
  #check;
  #more;

  /**
   * @param {Studio} studio
   * @param {string} turn
   * @param {HTMLElement} extra
   */
  constructor(studio, turn, extra) {
    this.#studio = studio;
    const copy = button("copy", say("Copy"), () => void this.#copy(copy));
    this.#regenerate = button("again", say("Regenerate"), () => void studio.asking.again(turn, this.#id));
    const compare = button("compare", say("Compare with another model"));
    attachMenu(compare, () => compareItems(studio, turn), say("Compare with another model"));
    this.#check = button("check", say("Check against the image"), () => this.#answer && toggleCheck(studio, turn, this.#answer, extra, this.#check));
    this.#check.setAttribute("aria-expanded", "false");
    this.#download = button("download", say("Download image with boxes (PNG)"), () => this.#answer && void (this.#answer.film ? saveTracks(studio, this.#answer, "film") : saveAs(studio, turn, this.#answer, "png")));
    const more = this.#more = button("more", say("More"));
    attachMenu(more, () => (this.#answer ? moreItems(studio, turn, this.#answer, extra) : []), say("More"));
    this.element = h("div", { class: "action-row", role: "group", "aria-label": say("Actions") }, copy, this.#regenerate, compare, this.#check, this.#download, more);
  }

  get #id() {
    return this.#answer?.id ?? "";
  }

  /**
   * @param {Answer} answer
   * @param {Turn} turn
   */
  update(answer, turn) {
    this.#answer = answer;
    const hasPicture = turn.pictures.length > 0 || answer.pictures.length > 0;
    for (const one of [this.#regenerate, this.#more]) one.hidden = Boolean(answer.merged);
    this.#download.hidden = !hasPicture || !hasContent(answer);
    this.#check.hidden = !hasPicture || !answer.plain || ["grounding", "detect"].includes(turn.task);
  }

  /** @param {HTMLElement} copy */
  async #copy(copy) {
    const done = await copyText(this.#answer?.plain || this.#answer?.raw || "");
    copy.title = done ? say("Copied") : say("Press Ctrl+C");
    copy.replaceChildren(icon(done ? "check" : "copy"));
    this.#studio.announce(copy.title);
    setTimeout(() => {
      copy.title = say("Copy");
      copy.replaceChildren(icon("copy"));
    }, 1500);
  }
}

/**
 * @param {IconName} name
 * @param {string} label
 * @param {() => void} [act]
 * @returns {HTMLElement}
 */
const button = (name, label, act) => h("button", { type: "button", class: "icon-button small", data: { act: name }, title: label, "aria-label": label, ...(act ? { onclick: act } : {}) }, icon(name));
