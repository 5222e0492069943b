// What stands in the place of the conversation before its first question.
import { h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { icon } from "../icons.js";

/** @returns {HTMLElement} */
export const createWelcome = () => h(
  "div", { class: "welcome" },
  h("p", { class: "welcome-title" }, say("Ask about an image: the answer shows where.")),
  h(
    "ul", {},
    h("li", {}, icon("chat"), say("Chat, and point at a phrase to see its box")),
    h("li", {}, icon("score"), say("Find several objects at once, each in its colour")),
    h("li", {}, icon("box"), say("Mark a region and ask what is in it")),
    h("li", {}, icon("compare"), say("Compare models, check an answer against the image")),
  ),
);
