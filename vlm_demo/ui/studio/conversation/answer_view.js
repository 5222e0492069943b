// One answer in the conversation, as it grows and when it is complete.
import { fill, h, setText } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { isBusy, versionsOf } from "../state/answers.js";
import { FINDING, layersOfMentions } from "../state/layers.js";
import { icon } from "../icons.js";
import { translate } from "../server_text.js";
import { actOn } from "../actions/remedies.js";
import { ActionRow } from "../actions/action_row.js";
import { showPlace } from "./answer_place.js";
import { Blocks } from "./blocks.js";
import { resolveCitation } from "./citations.js";
import { describeTiming, notesList, sharesList, thingsList } from "./facts.js";
import { createProblem } from "./problem_card.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Turn} Turn */
/** @typedef {import("../state/types.js").Answer} Answer */
/** @typedef {import("../state/types.js").Layer} Layer */

/** Shows an answer; only parts that have changed are made anew. */
export class AnswerView {
  #studio;
  #blocks = new Blocks();
  #model = h("p", { class: "reply-model" });
  #place = h("p", { class: "reply-place" });
  #waiting = h("div", { class: "waiting", "aria-hidden": "true" }, h("i", { class: "spinner" }), h("span", { class: "waiting-text" }), h("progress", { max: 1 }));
  #reasoning = h("details", { class: "reasoning" }, h("summary", {}, say("Reasoning")), h("div", { class: "reasoning-text", dir: "auto" }));
  #things = h("div");
  #shares = h("div");
  #notes = h("div", { class: "reply-notes" });
  #problem = h("div");
  #foot = h("div", { class: "reply-foot" });
  #versions = h("span", { class: "versions" });
  #timing = h("span", { class: "timing" });
  #extra = h("div", { class: "reply-extra" });
  /** @type {Answer | null} */
  #shown = null;
  /** @type {Layer[]} */
  #layers = [];

  /**
   * @param {Studio} studio
   * @param {string} turn
   */
  constructor(studio, turn) {
    this.#studio = studio;
    this.turn = turn;
    this.actions = new ActionRow(studio, turn, this.#extra);
    this.#foot.append(this.actions.element, this.#versions, this.#timing);
    this.element = h(
      "div", { class: "reply" }, this.#model, this.#place, this.#waiting, this.#reasoning, this.#blocks.element, this.#things, this.#shares, this.#notes,
      this.#problem, this.#foot, this.#extra,
    );
  }

  /**
   * @param {Answer} answer
   * @param {Turn} turn
   * @param {Layer[]} layers of the whole conversation
   */
  update(answer, turn, layers) {
    const before = this.#shown, own = layers.filter((layer) => layer.answer === answer.id);
    const recoloured = !sameLayers(own, this.#layers);
    if (before === answer && !recoloured && this.element.dataset.count === String(turn.answers.length)) return;
    this.#shown = answer;
    this.#layers = own;
    const { element } = this, byMention = layersOfMentions(own, answer.id);
    Object.assign(element.dataset, { answer: answer.id, state: answer.status, count: String(turn.answers.length) });
    this.#showModel(answer, turn);
    showPlace(this.#studio, this.#place, turn);
    this.#showWaiting(answer);
    if (before?.reasoning !== answer.reasoning) setText(/** @type {Element} */ (this.#reasoning.querySelector(".reasoning-text")), answer.reasoning);
    this.#reasoning.hidden = !answer.reasoning;
    const finding = FINDING.has(turn.task);
    this.#blocks.element.hidden = !answer.blocks.length || (finding && !answer.film && own.some(({ count }) => count > 0));
    this.#blocks.element.classList.toggle("growing", answer.status === "growing");
    if (before?.blocks !== answer.blocks) this.#blocks.update(answer.blocks, byMention, (citation) => this.#showOf(citation));
    else if (recoloured || before?.mentions !== answer.mentions) this.#blocks.colour(byMention);
    this.#showFacts(answer, before, finding, recoloured);
    if (before?.problem !== answer.problem) fill(this.#problem, answer.problem && createProblem(this.#studio, answer.problem, { turn: turn.id, answer: answer.id }));
    this.#foot.hidden = isBusy(answer);
    this.#showVersions(answer);
    setText(this.#timing, describeTiming(answer));
    this.actions.update(answer, turn);
  }

  /**
   * @param {Answer} answer
   * @param {Answer | null} before
   * @param {boolean} finding
   * @param {boolean} recoloured
   */
  #showFacts(answer, before, finding, recoloured) {
    if (finding && (recoloured || !before || before.things !== answer.things || before.status !== answer.status)) fill(this.#things, thingsList(this.#layers, answer));
    this.#things.hidden = !finding || !this.#layers.length || answer.status === "failed";
    if (before?.shares !== answer.shares) fill(this.#shares, answer.shares.length ? sharesList(answer) : null);
    if (!sameNotes(before, answer)) fill(this.#notes, ...notesList(answer, finding && this.#layers.length > 0), ...(answer.spaceChoices.length && answer.tone === "unreadable" ? [this.#spaceButtons(answer)] : []), this.#remedyButtons(answer));
    if (answer.status === "stopped" && !answer.notes.length) fill(this.#notes, h("p", { class: "reply-note" }, say("Stopped.")));
  }

  /** What shows a page, picture or time that the answer names. @param {import("./citations.js").Citation} citation */
  #showOf(citation) {
    const { pictures } = this.#studio.store.get().conversation, found = resolveCitation(citation, this.#shown?.pictures ?? [], pictures);
    return found && (() => this.#studio.showPage(found.root, found.frame));
  }

  /** @param {Answer} answer */
  #remedyButtons({ id, remedies }) {
    // Conversations of earlier versions have none.
    if (!remedies?.length) return null;
    return h("div", { class: "remedies" }, ...remedies.map((remedy) => h("button", { type: "button", class: "button", data: { action: remedy.action }, onclick: () => actOn(this.#studio, remedy, { turn: this.turn, answer: id }) }, translate(remedy.label))));
  }

  /** @param {Answer} answer */
  #spaceButtons(answer) {
    const read = (/** @type {string} */ space) => this.#studio.readAgain(this.turn, answer.id, space);
    return h("div", { class: "remedies" }, ...answer.spaceChoices.map(({ name, title }) => h("button", { type: "button", class: "button", onclick: () => read(name) }, translate(title))));
  }

  /**
   * @param {Answer} answer
   * @param {Turn} turn
   */
  #showModel({ model, merged }, turn) {
    const { conversation } = this.#studio.store.get();
    const several = turn.answers.length > 1 || new Set(conversation.turns.flatMap((one) => one.answers.map((each) => each.model))).size > 1;
    this.#model.hidden = !several;
    setText(this.#model, merged ? say("Merged boxes") : this.#studio.titleOfModel(model));
  }

  /** @param {Answer} answer */
  #showWaiting(answer) {
    const { waiting, status } = answer, bar = /** @type {HTMLProgressElement} */ (this.#waiting.querySelector("progress"));
    this.#waiting.hidden = status !== "waiting" && !(status === "growing" && waiting);
    setText(/** @type {Element} */ (this.#waiting.querySelector(".waiting-text")), waiting ? translate(waiting.text) || translate(waiting.stage) : say("Waiting for the model…"));
    bar.hidden = waiting?.share === null || waiting?.share === undefined;
    if (!bar.hidden) bar.value = waiting?.share ?? 0;
  }

  /** @param {Answer} answer */
  #showVersions(answer) {
    const versions = versionsOf(answer), at = versions.findIndex(({ id }) => id === answer.id);
    this.#versions.hidden = versions.length < 2;
    if (versions.length < 2) return;
    const step = (/** @type {number} */ by) => this.#studio.showVersion(this.turn, answer.id, by);
    const button = (/** @type {"back" | "forth"} */ name, /** @type {string} */ label, /** @type {number} */ by, /** @type {boolean} */ off) => h(
      "button", { type: "button", class: "icon-button small", title: label, "aria-label": label, "aria-disabled": off ? "true" : null, onclick: () => step(by) }, icon(name));
    const held = [...this.#versions.querySelectorAll("button")].indexOf(/** @type {any} */ (document.activeElement));
    fill(this.#versions, button("back", say("Earlier answer"), -1, at === 0), `${at + 1}/${versions.length}`, button("forth", say("Later answer"), 1, at === versions.length - 1));
    if (held >= 0) this.#versions.querySelectorAll("button")[held].focus();
  }
}

/**
 * @param {Answer | null} before
 * @param {Answer} answer
 */
const sameNotes = (before, answer) => before?.notes === answer.notes && before.outcome === answer.outcome && before.status === answer.status;

/**
 * Tells whether layers look the same; they are made anew with each event.
 * @param {Layer[]} one
 * @param {Layer[]} other
 */
const sameLayers = (one, other) => one.length === other.length && one.every((layer, index) => {
  const old = other[index];
  return layer.id === old.id && layer.colour === old.colour && layer.visible === old.visible && layer.count === old.count && layer.pending === old.pending && layer.dash === old.dash;
});
