// The questions of a run, one after the other: picture with boxes, question, answer, right answer and verdict.
import { fill, h } from "../../components/dom.js";
import { Canvas } from "../../components/canvas/canvas.js";
import { message, say } from "../../i18n/say.js";
import { addressOf, call } from "../../studio/api/call.js";
import { explain } from "../problems.js";

/** @import { LabelledBox, Question } from "./types.js" */

const AT_ONCE = 20;
const ANSWER = { colour: "#D55E00", dash: [] }, TRUTH = { colour: "#009E73", dash: [4, 2] };

/** What is looked at, in words. */
const KINDS = [["all", message("All questions")], ["wrong", message("Wrong answers")], ["right", message("Right answers")], ["failed", message("Not answered or not scored")]];

/** A dialog for the questions of a run. */
export class QuestionDialog {
  #canvas;
  #run = "";
  #which = "all";
  #index = 0;
  #total = 0;

  /** @type {Map<number, Question>} */
  #questions = new Map();

  #title = h("h2", {});
  #place = h("span", { class: "place", role: "status" });
  #facts = h("div", { class: "facts" });
  #legend = h("ul", { class: "legend" });
  #host = h("div", { class: "picture" });
  #kinds = h("select", { "aria-label": say("Which questions"), onchange: () => this.#open(this.#kinds.value, 0) },
    ...KINDS.map(([value, words]) => h("option", { value }, say(words))));
  #back = h("button", { type: "button", onclick: () => this.#move(-1) }, say("Previous"));
  #next = h("button", { type: "button", onclick: () => this.#move(1) }, say("Next"));

  /** @type {HTMLDialogElement} */
  element = h("dialog", { class: "questions", "aria-label": say("Questions of a run") },
    h("header", {}, this.#title, h("button", { type: "button", class: "close", "aria-label": say("Close"), onclick: () => this.element.close() }, "×")),
    h("div", { class: "bar" }, this.#kinds, this.#place, this.#back, this.#next),
    h("div", { class: "body" }, h("div", { class: "side" }, this.#host, this.#legend), this.#facts));

  constructor() {
    this.#canvas = new Canvas(this.#host, { wheel: "scroll" });
  }

  /**
   * @param {string} run
   * @param {string} title
   */
  show(run, title) {
    this.#run = run;
    this.#title.textContent = title;
    this.#kinds.value = "all";
    this.element.showModal();
    return this.#open("all", 0);
  }

  /**
   * @param {string} which
   * @param {number} index
   */
  async #open(which, index) {
    this.#which = which;
    this.#questions.clear();
    await this.#go(index);
  }

  /** @param {number} step */
  #move(step) {
    return this.#go(Math.min(Math.max(this.#index + step, 0), this.#total - 1));
  }

  /** @param {number} index */
  async #go(index) {
    this.#index = index;
    const wanted = [this.#run, this.#which, index].join("\n");
    try {
      if (!this.#questions.has(index)) {
        const start = index - (index % AT_ONCE);
        const { total, questions } = await call("models_evaluation_questions", [this.#run, this.#which, start, AT_ONCE]);
        this.#total = total;
        /** @type {Question[]} */ (questions).forEach((question, offset) => this.#questions.set(start + offset, question));
      }
      if (wanted === [this.#run, this.#which, this.#index].join("\n")) await this.#draw();
    } catch (error) {
      fill(this.#facts, h("p", { class: "problem", role: "alert" }, explain(error)));
    }
  }

  async #draw() {
    const question = this.#questions.get(this.#index), index = this.#index;
    this.#back.disabled = index <= 0;
    this.#next.disabled = index >= this.#total - 1;
    this.#place.textContent = this.#total ? say("{number} of {all}", { number: index + 1, all: this.#total }) : "";
    if (!question) {
      this.#canvas.show(null);
      fill(this.#legend);
      fill(this.#facts, h("p", { class: "nothing" }, say("There are no such questions.")));
      return;
    }
    fill(this.#facts, ...facts(question));
    fill(this.#legend, question.boxes.length > 0 && entry(ANSWER, say("Boxes of the answer")), question.truth_boxes.length > 0 && entry(TRUTH, say("Right boxes")));
    await this.#drawPicture(question, index);
  }

  /**
   * @param {Question} question
   * @param {number} index
   */
  async #drawPicture(question, index) {
    const query = new URLSearchParams({ run: this.#run, which: this.#which, index: String(index) });
    const url = addressOf(`evaluation-picture?${query}`);
    const size = question.pictures ? await measure(url) : null;
    if (index !== this.#index) return;
    this.#host.classList.toggle("gone", !size);
    this.#host.dataset.words = size ? "" : say("The image of this question is not there any more.");
    this.#canvas.show(size && { key: url, url, ...size, name: question.id });
    this.#canvas.layers = size ? [...layers(question.truth_boxes, TRUTH, message("right box")), ...layers(question.boxes, ANSWER, message("answer box"))] : [];
  }
}

/**
 * @param {{colour: string, dash: number[]}} look
 * @param {string} words
 */
const entry = ({ colour, dash }, words) => h("li", {}, h("i", { style: { "border-color": colour, "border-style": dash.length ? "dashed" : "solid" } }), words);

/**
 * @param {LabelledBox[]} boxes
 * @param {{colour: string, dash: number[]}} look
 * @param {string} name
 */
const layers = (boxes, { colour, dash }, name) => boxes.map(({ label, box, confidence = null }, index) => {
  const phrase = label || say(name);
  return {
    id: `${name} ${index}`, phrase, colour, dash, visible: true,
    mentions: [{ phrase, colour, dash, confidence, kind: null, regions: [{ box, confidence }] }],
  };
});

/**
 * @param {string} url
 * @returns {Promise<{width: number, height: number} | null>} null: there is no such picture
 */
const measure = (url) => new Promise((resolve) => {
  const image = new Image();
  image.onload = () => resolve({ width: image.naturalWidth, height: image.naturalHeight });
  image.onerror = () => resolve(null);
  image.src = url;
});

/** @param {Question} question */
function facts({ question, answer, truth, prediction, score, error, judgement, group, task }) {
  const isRight = typeof score === "number" && score >= 0.5;
  const verdict = error ? say("not answered") : score === null ? say("not scored") : isRight ? say("right") : say("wrong");
  const tone = error || score === null ? "warn" : isRight ? "good" : "bad";
  const figure = typeof score === "number" && score > 0 && score < 1 ? ` · ${(100 * score).toFixed(0)} %` : "";
  /** @type {[string, string][]} */
  const rows = [
    [message("Question"), question || say("(a caption)")], [message("Answer"), answer], [message("Right answer"), truth],
    [message("Read as"), prediction === answer ? "" : prediction], [message("Judgement"), judgement], [message("Problem"), error],
    [message("Kind of question"), [...new Set([task.replaceAll("_", " "), group])].filter(Boolean).join(" · ")],
  ];
  return [
    h("p", { class: `verdict ${tone}` }, verdict + figure),
    h("dl", {}, ...rows.filter(([, words]) => words).map(([name, words]) => [h("dt", {}, say(name)), h("dd", {}, words)])),
  ];
}
