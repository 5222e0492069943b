// Examples as a model will read them: their pictures and their text, in which what is learned is marked.
import { h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";

/** @import { Example, Part, Preview } from "./types.js" */

/** @param {Preview} preview */
export function exampleList({ count, notes, examples }) {
  const isPairs = examples.some(({ parts }) => parts.some(({ role }) => role === "avoided"));
  return h("section", { class: "examples" },
    h("h3", {}, isPairs ? say("{count} pairs of a better and a worse answer", { count }) : say("{count} examples", { count })),
    h("p", { class: "note" }, say("The whole text that the model is given. It learns to write what is marked in green."), isPairs && " ", isPairs && say("It learns to avoid what is struck out.")),
    ...notes.map((note) => h("p", { class: "note" }, note)),
    h("ol", {}, ...examples.map(exampleItem)));
}

/** @param {Example} example */
function exampleItem({ source, problem, parts, pictures }) {
  return h("li", {},
    h("div", { class: "pictures" }, ...pictures.map((picture) => h("img", { src: picture, alt: "" }))),
    h("div", { class: "words" }, h("small", {}, source), problem ? h("p", { class: "problem" }, problem) : h("pre", { tabindex: "0", dir: "auto" }, ...parts.map(textPart))));
}

/** @param {Part} part */
function textPart({ text, role }) {
  if (role === "learned") return h("ins", {}, text);
  return role === "avoided" ? h("del", {}, text) : text;
}
