// What is behind an answer: what the model wrote, how it was read, and the prompt that it was sent.
import { fill, h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { addressOf, call } from "../api/call.js";
import { withPictures } from "../actions/download.js";
import { findAnswer } from "../state/conversations.js";
import { buildRequest, nameImages, picturesOf } from "../state/requests.js";
import { problemOf } from "../api/problems.js";
import { translate } from "../server_text.js";
import { rawText } from "./raw_text.js";

/** @typedef {import("../studio.js").Studio} Studio */

/**
 * @param {Studio} studio
 * @param {string} turnId
 * @param {string} answerId
 * @returns {{element: HTMLElement, stop: () => void}}
 */
export function createInspector(studio, turnId, answerId) {
  const { conversation } = studio.store.get(), turn = conversation.turns.find(({ id }) => id === turnId), answer = findAnswer(conversation, turnId, answerId);
  if (!turn || !answer) return { element: h("p", {}, say("This answer no longer exists.")), stop: () => {} };
  const raw = h("div", { class: "raw" }), reading = h("div"), prompt = h("div", { class: "prompt" }, h("p", { class: "hint" }, say("Loading…")));
  fill(raw, rawText(answer.raw, []));
  const model = studio.model(answer.answeredBy || answer.model);
  const show = async () => {
    const picture = conversation.pictures.find(({ key }) => key === answer.pictures.at(-1));
    const size = picture?.width ? [picture.width, picture.height] : null;
    try {
      const parsed = await call("studio_parse", [answer.raw, model?.family_name ?? "", size]);
      fill(raw, rawText(answer.raw, parsed.spans ?? []));
      fill(reading, ...describeReading(parsed));
    } catch (error) {
      fill(reading, h("p", { class: "hint" }, translate(problemOf(error).message)));
    }
  };
  const ask = async () => {
    const request = buildRequest(conversation, turn, answer.model);
    try {
      const sent = await withPictures(studio, picturesOf(request), (ids) => call("studio_prompt", [nameImages(request, new Map(picturesOf(request).map((key, index) => [key, ids[index]])))]));
      fill(prompt, ...describePrompt(sent));
    } catch (error) {
      fill(prompt, h("p", { class: "hint" }, translate(problemOf(error).message)));
    }
  };
  void show();
  void ask();
  const element = h(
    "div", { class: "inspector" }, h("p", { class: "hint" }, studio.titleOfModel(answer.answeredBy || answer.model)),
    h("h3", {}, say("Raw output")), raw, spaceSwitch(studio, turnId, answer), h("h3", {}, say("How its numbers were read")), reading, h("h3", {}, say("Prompt")), prompt,
  );
  return { element, stop: () => {} };
}

/**
 * Reads the numbers of the answer in another coordinate space.
 * @param {Studio} studio
 * @param {string} turn
 * @param {import("../state/types.js").Answer} answer
 */
function spaceSwitch(studio, turn, answer) {
  if (!answer.spaceChoices.length) return null;
  const select = h("select", { id: "space", onchange: () => {
    studio.closeDrawer();
    void studio.readAgain(turn, answer.id, select.value);
  } }, h("option", { value: "" }, say("Model default")), ...answer.spaceChoices.map(({ name, title }) => h("option", { value: name }, translate(title))));
  select.value = answer.space;
  return h("p", { class: "row" }, h("label", { for: "space" }, say("Coordinate format")), select);
}

/** @param {any} parsed */
function describeReading({ items = [], notes = [], space }) {
  return [
    space ? h("p", {}, say("Coordinate space: {name}", { name: translate(space) })) : null,
    items.length ? h("table", { class: "figures-table" }, h("thead", {}, h("tr", {}, ...[say("Phrase"), say("As written"), say("On the image")].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...items.map((/** @type {any} */ one) => h("tr", {}, h("th", { scope: "row", dir: "auto" }, one.phrase || "–"), h("td", { class: "code" }, one.written ?? ""), h("td", { class: "code" }, one.read ?? "", steps(one.steps)))))) : h("p", { class: "hint" }, say("It holds no coordinates.")),
    ...notes.map((/** @type {any} */ note) => h("p", { class: "hint" }, translate(note))),
  ];
}

/** @param {any[]} [all] */
const steps = (all = []) => (all.length > 1 ? h("details", {}, h("summary", {}, say("Steps")), h("ol", {}, ...all.map(({ title, detail, numbers }) => h("li", {}, [translate(title), translate(detail), numbers].filter(Boolean).join(": "))))) : null);

/** @param {any} sent */
function describePrompt({ text = "", rendered = "", tokens, image_tokens: imageTokens, notes = [], tiles = [] }) {
  const counts = [tokens && say("{count} tokens", { count: tokens }), imageTokens && say("{count} of them for images", { count: imageTokens })].filter(Boolean);
  return [
    counts.length ? h("p", { class: "hint" }, counts.join(" · ")) : null,
    tiles.length ? h("div", { class: "tiles", role: "group", "aria-label": say("Images as the model sees them") }, ...tiles.map((/** @type {any} */ tile) => h("img", { src: addressOf(tile.url), width: tile.width, height: tile.height, alt: `${tile.width} × ${tile.height}`, loading: "lazy" }))) : null,
    h("pre", { tabindex: 0, dir: "auto" }, rendered || text),
    text && rendered ? h("details", {}, h("summary", {}, say("Token by token")), h("pre", { tabindex: 0, dir: "auto" }, text)) : null,
    ...notes.map((/** @type {any} */ note) => h("p", { class: "hint" }, translate(note))),
  ];
}
