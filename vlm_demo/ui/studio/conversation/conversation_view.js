// The conversation about the picture: its turns, oldest first.
import { arrange, h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { icon } from "../icons.js";
import { Follower } from "./scrolling.js";
import { linkPhrases } from "./linking.js";
import { TurnView } from "./turn_view.js";
import { createWelcome } from "./welcome.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").State} State */
/** @typedef {import("../state/types.js").Conversation} Conversation */
/** @typedef {import("../state/types.js").Picture} Picture */

/** Shows the open conversation. */
export class ConversationView {
  #studio;
  #list = h("div", { class: "turns" });
  #welcome = createWelcome();
  #scroller = h("section", { id: "conversation", "aria-label": say("Conversation"), tabindex: -1 }, this.#welcome, this.#list);
  #jump = h("button", { type: "button", class: "jump-button", hidden: true, title: say("Jump to newest"), "aria-label": say("Jump to newest") }, icon("newest"));
  #follower;
  /** @type {Map<string, TurnView>} */
  #views = new Map();
  #drawing = 0;

  /** @param {Studio} studio */
  constructor(studio) {
    this.#studio = studio;
    this.#follower = new Follower(this.#scroller, this.#list, (follows) => { this.#jump.hidden = follows; });
    this.#jump.addEventListener("click", () => this.#follower.jump());
    this.element = h("div", { class: "conversation-frame" }, this.#scroller, this.#jump);
    linkPhrases(studio, this.#scroller);
    const { store } = studio;
    store.subscribe(({ conversation }) => conversation, (now, before) => this.#update(now, before), { now: true });
    store.subscribe(({ start }) => start, () => this.#draw());
  }

  /**
   * @param {Conversation} now
   * @param {Conversation | undefined} before
   */
  #update(now, before) {
    // Several events may come before the next frame; the turns are drawn once for all of them.
    if (before && now.turns.length === before.turns.length && now.id === before.id) {
      this.#drawing ||= requestAnimationFrame(() => this.#draw());
      return;
    }
    this.#draw();
    if (!before || now.id !== before.id || now.turns.length > before.turns.length) this.#follower.jump();
  }

  #draw() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    const { conversation } = this.#studio.store.get(), layers = this.#studio.layers();
    const pictures = new Map(conversation.pictures.map((picture) => [picture.key, picture]));
    /** @type {Map<string, TurnView>} */
    const views = new Map();
    let shown = "";
    for (const turn of conversation.turns) {
      const view = this.#views.get(turn.id) ?? new TurnView(this.#studio, turn.id);
      views.set(turn.id, view);
      const own = turn.pictures.join(" ");
      // Of a single picture, which the canvas shows, there is nothing to tell.
      view.update(turn, own === shown || pictures.size < 2 ? [] : turn.pictures.map((key) => pictures.get(key)).filter((one) => one !== undefined), layers);
      shown = own || shown;
    }
    this.#views = views;
    this.#welcome.hidden = conversation.turns.length > 0;
    arrange(this.#list, [...views.values()].map(({ element }) => element));
  }
}
