// The few-shot examples that go before every chat: questions with the answers wished for.
import { fill, h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { icon } from "../icons.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Shot} Shot */

/** The list, and a form that adds to it. */
export class ShotList {
  #studio;
  #list = h("ul", { class: "shots" });
  #text = h("textarea", { rows: 2, id: "shot-text" });
  #answer = h("textarea", { rows: 2, id: "shot-answer" });
  #withImage = h("input", { type: "checkbox", id: "shot-image", checked: true });

  /** @param {Studio} studio */
  constructor(studio) {
    this.#studio = studio;
    this.element = h(
      "details", { class: "shot-list" }, h("summary", {}, say("Few-shot examples")),
      h("p", { class: "hint" }, say("Questions and expected answers that go before every chat of this conversation.")), this.#list,
      h("label", { for: "shot-text" }, say("Question")), this.#text, h("label", { for: "shot-answer" }, say("Expected answer")), this.#answer,
      h("div", { class: "row" }, h("label", {}, this.#withImage, " ", say("Include current image")),
        h("button", { type: "button", class: "button", onclick: () => this.#add() }, say("Add example"))),
    );
    studio.store.subscribe(({ conversation }) => conversation.shots, () => this.#draw(), { now: true });
  }

  #draw() {
    const { shots, pictures } = this.#studio.store.get().conversation;
    fill(this.#list, ...shots.map((shot, index) => h(
      "li", {},
      ...shot.pictures.map((key) => pictures.find((picture) => picture.key === key)).map((picture) => picture && h("img", { src: this.#studio.pictures.url(picture), alt: picture.name })),
      h("span", { dir: "auto" }, shot.text), h("span", { dir: "auto", class: "shot-answer" }, shot.answer),
      h("button", { type: "button", class: "icon-button small", "aria-label": say("Remove example"), title: say("Remove example"), onclick: () => this.#remove(index) }, icon("close")),
    )));
  }

  #add() {
    const text = this.#text.value.trim(), answer = this.#answer.value.trim();
    if (!text || !answer) return void (text ? this.#answer : this.#text).focus();
    const { shown } = this.#studio.store.get().conversation;
    this.#studio.addShot({ text, answer, pictures: this.#withImage.checked && shown ? [shown] : [] });
    this.#text.value = "";
    this.#answer.value = "";
  }

  /** @param {number} index */
  #remove(index) {
    this.#studio.changeConversation((one) => ({ ...one, shots: one.shots.filter((_, at) => at !== index) }));
  }
}
