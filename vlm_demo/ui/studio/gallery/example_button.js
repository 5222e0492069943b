import { h, svg } from "../../components/dom.js";
import { drawRegion, percent } from "../../components/canvas/drawing.js";
import { boundsOf } from "../../components/canvas/geometry/regions.js";
import { language, say } from "../../i18n/say.js";

/** @import { Mention } from "../../components/canvas/types.js" */

/**
 * @typedef {{task: string, text: string}} ExampleRequest
 *
 * @typedef {object} Example
 * @property {string} id
 * @property {string} url
 * @property {number} width
 * @property {number} height
 * @property {Record<string, string>} title by language
 * @property {string} [credit]
 * @property {string} [kind] of the picture
 * @property {readonly (Mention & {phrases?: Record<string, string>})[]} mentions drawn on it; `phrases` by language
 * @property {Record<string, readonly ExampleRequest[]>} words by language; what is shown is what is asked
 */

/** What a request without a text of its own is called. */
const TASK_NAMES = {
  caption: () => say("Describe this image"),
  detailed_caption: () => say("Describe this image in detail"),
  grounded_caption: () => say("Describe this image and show where things are"),
  detect: () => say("Detect all objects"),
  read: () => say("Read the text"),
};

/** A picture to try, with its boxes drawn, as a button that asks about it. */
export class ExampleButton {
  #example;
  #request;
  #onOpen;

  /**
   * @param {Example} example
   * @param {(request: ExampleRequest) => boolean} isPossible
   * @param {(example: Example, request: ExampleRequest | null) => void} onOpen
   */
  constructor(example, isPossible, onOpen) {
    this.#example = example;
    this.#request = (example.words[language()] ?? []).find(isPossible) ?? null;
    this.#onOpen = onOpen;
    const title = example.title[language()] ?? example.title.en ?? example.id;
    const caption = this.#request ? describeRequest(this.#request) : title;
    this.element = h(
      "button",
      { type: "button", class: "example", data: { example: example.id }, title: example.credit, onclick: () => this.open() },
      h("span", { class: "mat" }, drawExample(example, title)),
      h("span", { class: "caption", dir: "auto" }, caption),
    );
  }

  open() {
    this.#onOpen(this.#example, this.#request);
  }
}

/**
 * @param {Example} example
 * @param {string} title
 */
const drawExample = ({ url, width, height, mentions }, title) => h(
  "span",
  { class: "frame", style: { "aspect-ratio": `${width} / ${height}`, "--ratio": String(width / height) } },
  h("img", { src: url, alt: title, width, height, loading: "lazy", decoding: "async" }),
  svg("svg", { class: "example-boxes", "aria-hidden": "true" },
    mentions.flatMap(({ regions, colour, dash }) => regions.flatMap((region) => drawRegion(region, colour, dash)))),
  mentions.map(drawLabels),
);

/** @param {ExampleRequest} request */
export function describeRequest({ task, text }) {
  if (task === "caption" && text) return say("Continue: {words} …", { words: text });
  if (task in TASK_NAMES) return TASK_NAMES[/** @type {keyof typeof TASK_NAMES} */ (task)]();
  return task === "grounding" ? say("Find: {things}", { things: text }) : text;
}

/** @param {Example["mentions"][number]} mention */
const drawLabels = ({ phrase, phrases, regions, colour }) => regions.map((region) => {
  const [x1, y1, x2] = boundsOf(region);
  const side = x1 > 0.6 ? { right: percent(1 - x2) } : { left: percent(x1) };
  return h("span", {
    class: ["name", y1 < 0.12 && "inside"], "aria-hidden": "true", style: { ...side, top: percent(y1), background: colour },
  }, phrases?.[language()] ?? phrase);
});
