// A turn of the conversation: a question, and an answer of each model that was asked.
import { arrange, h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { Comparison } from "../compare/comparison.js";
import { isBusy } from "../state/answers.js";
import { AnswerView } from "./answer_view.js";
import { createQuestion } from "./question_view.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Turn} Turn */
/** @typedef {import("../state/types.js").Layer} Layer */
/** @typedef {import("../state/types.js").Picture} Picture */

/** Shows a turn. */
export class TurnView {
  #studio;
  #answers = h("div", { class: "answers" });
  #question = h("div");
  #asked = "";
  /** @type {Comparison | null} */
  #comparison = null;
  /** @type {Map<string, AnswerView>} by place, as an answer that is regenerated stays where it is */
  #views = new Map();

  /**
   * @param {Studio} studio
   * @param {string} id
   */
  constructor(studio, id) {
    this.#studio = studio;
    this.element = h("article", { class: "turn", data: { turn: id }, "aria-label": say("Question and answer") }, this.#question, this.#answers);
  }

  /**
   * @param {Turn} turn
   * @param {Picture[]} pictures those that the turns before did not show
   * @param {Layer[]} layers
   */
  update(turn, pictures, layers) {
    const asked = JSON.stringify([turn.text, turn.targets, turn.regions.length, turn.task, pictures.map(({ key, url, status }) => [key, url, status])]);
    if (asked !== this.#asked) {
      const question = createQuestion(this.#studio, turn, pictures);
      this.#question.replaceWith(question);
      this.#question = question;
      this.#asked = asked;
    }
    const views = turn.answers.map((answer, index) => {
      const view = this.#views.get(String(index)) ?? new AnswerView(this.#studio, turn.id);
      this.#views.set(String(index), view);
      view.update(answer, turn, layers);
      return view.element;
    });
    if (views.length > 1) {
      this.#comparison ??= new Comparison(this.#studio);
      this.#comparison.update(turn);
    }
    arrange(this.#answers, views.length > 1 && this.#comparison ? [...views, this.#comparison.element] : views);
    const state = stateOf(turn);
    if (this.element.dataset.state !== state) this.element.dataset.state = state;
    this.#answers.classList.toggle("several", views.length > 1);
  }
}

/**
 * State of a turn: that of its answers, as long as one grows.
 * @param {Turn} turn
 */
export function stateOf({ answers }) {
  const busy = answers.find(isBusy);
  return (busy ?? answers[0])?.status ?? "waiting";
}
