// What stands below the answers of several models: how far they agree, and where they differ.
import { fill, h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { call } from "../api/call.js";
import { withPictures } from "../actions/download.js";
import { isBusy } from "../state/answers.js";
import { documentOf } from "../state/documents.js";
import { changeTurn } from "../state/conversations.js";
import { newId } from "../state/ids.js";
import { FINDING } from "../state/layers.js";
import { diffBoxes } from "./box_diff.js";
import { mergeBoxes } from "./merged_boxes.js";
import { diffWords } from "./word_diff.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Turn} Turn */
/** @typedef {import("../state/types.js").Answer} Answer */

/** Shows how the answers of a turn compare. */
export class Comparison {
  #studio;
  #content = h("div", { class: "comparison-content", hidden: true });
  #toggle = h("button", { type: "button", class: "text-button", "aria-expanded": "false", onclick: () => this.#open() }, say("Show differences"));
  #agreement = h("div", { class: "agreement" });
  #key = "";
  /** @type {Turn | null} */
  #turn = null;

  /** @param {Studio} studio */
  constructor(studio) {
    this.#studio = studio;
    this.element = h("section", { class: "comparison", "aria-label": say("Comparison"), hidden: true }, this.#agreement, this.#toggle, this.#content);
  }

  /** @param {Turn} turn */
  update(turn) {
    const done = answersOfModels(turn);
    this.element.hidden = done.length < 2 || turn.answers.some(isBusy);
    const key = done.map(({ id }) => id).join(" ");
    this.#turn = turn;
    if (this.element.hidden || key === this.#key) return;
    this.#key = key;
    if (!this.#content.hidden) this.#draw();
    void this.#agree(turn, done);
  }

  #open() {
    this.#content.hidden = !this.#content.hidden;
    this.#toggle.setAttribute("aria-expanded", String(!this.#content.hidden));
    fill(this.#toggle, this.#content.hidden ? say("Show differences") : say("Hide differences"));
    if (!this.#content.hidden) this.#draw();
  }

  #draw() {
    const done = this.#turn ? answersOfModels(this.#turn) : [];
    const [first, ...others] = done, title = (/** @type {Answer} */ { model }) => this.#studio.titleOfModel(model);
    fill(this.#content, ...others.flatMap((other) => [h("h3", {}, say("{one} and {other}", { one: title(first), other: title(other) })), this.#turn && FINDING.has(this.#turn.task) ? null : words(first, other), boxes(first, other, title)]));
  }

  /**
   * A button that puts the boxes in which answers agree beside them.
   * @param {Turn} turn
   * @param {Answer[]} answers
   * @param {import("./merged_boxes.js").Group[]} groups
   */
  #mergeButton(turn, answers, groups) {
    const merged = mergeBoxes(answers, groups, newId(), Date.now());
    if (!merged) return null;
    const add = () => {
      this.#studio.changeConversation((one) => changeTurn(one, turn.id, (old) => ({ ...old, answers: [...old.answers.filter((each) => !each.merged), merged] }), Date.now()));
    };
    return h("button", { type: "button", class: "text-button", data: { act: "merge" }, title: say("The mean of the boxes that at least two models drew"), onclick: add }, say("Add merged boxes as a layer"));
  }

  /**
   * @param {Turn} turn
   * @param {Answer[]} answers
   */
  async #agree(turn, answers) {
    fill(this.#agreement);
    if (answers.filter(({ mentions }) => mentions.some(({ regions }) => regions.length)).length < 2) return;
    const { conversation } = this.#studio.store.get(), key = this.#key;
    try {
      const { pairs, groups } = await withPictures(this.#studio, answers[0].pictures, (images) => call("studio_consensus", [answers.map((answer) => documentOf(conversation, turn.id, answer, images, this.#studio.layers()))]));
      if (key === this.#key) fill(this.#agreement, agreementTable(answers.map(({ model }) => this.#studio.titleOfModel(model)), pairs), this.#mergeButton(turn, answers, groups));
    } catch (error) {
      this.#studio.report(error);
    }
  }
}

/**
 * The answers of a turn that models gave.
 * @param {Turn} turn
 */
const answersOfModels = ({ answers }) => answers.filter(({ status, merged }) => status === "done" && !merged);

/**
 * @param {string[]} titles
 * @param {{one: number, other: number, iou: number | null}[]} pairs
 */
function agreementTable(titles, pairs) {
  return h(
    "table", { class: "figures-table" }, h("caption", {}, say("Pairwise agreement (mean IoU; unmatched boxes count as 0)")),
    h("tbody", {}, ...pairs.map(({ one, other, iou }) => h("tr", {}, h("th", { scope: "row" }, `${titles[one]} · ${titles[other]}`), h("td", {}, iou === null ? "–" : iou.toFixed(2))))),
  );
}

/**
 * @param {Answer} first
 * @param {Answer} other
 */
function words(first, other) {
  if (!first.plain.trim() && !other.plain.trim()) return h("p", { class: "hint" }, say("Neither answer has text."));
  const parts = diffWords(first.plain, other.plain);
  const label = { left: say("only in the first"), right: say("only in the second") };
  return h("p", { class: "word-diff", dir: "auto" }, ...parts.map(({ text, side }) => (side === "both" ? text : h(side === "left" ? "del" : "ins", { title: label[side] }, text))));
}

/**
 * @param {Answer} first
 * @param {Answer} other
 * @param {(answer: Answer) => string} title
 */
function boxes(first, other, title) {
  const pairs = diffBoxes(first, other);
  if (!pairs.length) return null;
  const text = (/** @type {import("./box_diff.js").Pair} */ { side, overlap }) => (side === "both" ? say("IoU {overlap}", { overlap: (overlap ?? 0).toFixed(2) }) : say("only {model}", { model: title(side === "left" ? first : other) }));
  return h("ul", { class: "box-diff" }, ...pairs.map((pair) => h("li", { data: { side: pair.side } }, h("span", { dir: "auto" }, pair.phrase || say("unnamed")), " ", h("span", { class: "figure" }, text(pair)))));
}
