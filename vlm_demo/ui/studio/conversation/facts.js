// What is said below the words of an answer: how often each thing was found, probabilities, notes, times.
import { h } from "../../components/dom.js";
import { isEmptyAnswer } from "../state/answers.js";
import { say } from "../../i18n/say.js";
import { translate } from "../server_text.js";
import { underline } from "./blocks.js";

/** @typedef {import("../state/types.js").Answer} Answer */
/** @typedef {import("../state/types.js").Layer} Layer */

/**
 * Lists what was looked for, each with its count: "pizza 2 · zebra not found". A click shows one; by keyboard, the layers
 * below the picture do.
 * @param {Layer[]} layers of the answer
 * @param {Answer} answer
 */
export function thingsList(layers, answer) {
  const states = new Map(answer.things.map(({ name, state }) => [name, state]));
  return h("ul", { class: "things", "aria-label": say("Objects found") }, ...layers.map((layer) => thing(layer, states.get(layer.phrase))));
}

/**
 * @param {Layer} layer
 * @param {string | undefined} state
 */
function thing(layer, state) {
  const { phrase, count, pending, colour, dash, mentions } = layer;
  const missing = state === "unreadable" ? say("unclear") : say("not found");
  const result = count ? String(count) : pending ? "…" : missing;
  const name = h("span", { dir: "auto", class: "thing-name" }, phrase || say("unnamed"));
  const content = [h("i", { class: "swatch", style: { "--colour": colour, "--line": underline(dash) } }), name, " ", h("span", { class: "thing-count" }, result)];
  if (!mentions.length) return h("li", { class: "thing", data: { state: pending ? "pending" : "none" } }, h("span", {}, ...content));
  return h("li", { class: "thing", data: { state: "found" } }, h("span", { class: "thing-button", data: { mention: String(mentions[0].index) }, title: say("Show on the image") }, ...content));
}

/**
 * Bars of the probabilities of possible answers, and what each order of them says.
 * @param {Answer} answer
 */
export function sharesList({ shares, orders }) {
  return h(
    "div", { class: "shares" },
    h("ul", { "aria-label": say("How probable each answer is") }, ...shares.map(({ text, share }) => h(
      "li", {}, h("span", { dir: "auto" }, text), " ", h("span", { class: "figure" }, percent(share)),
      h("i", { class: "bar", "aria-hidden": "true" }, h("b", { style: { width: percent(share, 1) } })),
    ))),
    h("p", { class: "hint" }, say("How likely the model's own probabilities make each of these answers, next to one another: together 100%. It is not how sure one can be.")),
    orders.length > 1 ? h("ol", { "aria-label": say("The answer in each order") }, ...orders.map(({ order, best, share }) => h(
      "li", {}, h("span", {}, order), " → ", h("span", {}, best), " ", h("span", { class: "figure" }, percent(share)),
    ))) : null,
  );
}

/**
 * @param {number} share
 * @param {number} [digits]
 */
const percent = (share, digits = 0) => `${(share * 100).toFixed(digits)}%`;

/**
 * Times of an answer in one line.
 * @param {Answer} answer
 * @returns {string} "" where they are not known
 */
export function describeTiming({ timing, stop }) {
  if (!timing) return "";
  const parts = [say("{seconds} s", { seconds: timing.seconds.toFixed(1) })];
  if (timing.first_token_s >= 0.05 && timing.tokens > 1) parts.push(say("first token {seconds} s", { seconds: timing.first_token_s.toFixed(1) }));
  if (timing.tokens_per_s >= 1) parts.push(say("{count} tokens/s", { count: timing.tokens_per_s.toFixed(0) }));
  if (stop === "length" && timing.tokens) parts.push(say("{count} tokens", { count: timing.tokens }));
  return parts.join(" · ");
}

/**
 * What is noted about an answer. How many things were found is said by their list, where there is one.
 * @param {Answer} answer
 * @param {boolean} isListed
 */
export function notesList(answer, isListed) {
  const { notes, outcome, tone } = answer;
  if (isEmptyAnswer(answer)) return [h("p", { class: "reply-note" }, say("The model returned no text."))];
  const said = [isListed && (tone === "found" || tone === "none") ? "" : translate(outcome), ...notes.map(translate)].filter(Boolean);
  return said.map((text, index) => h("p", { class: "reply-note", data: { tone: index === 0 && text === translate(outcome) ? tone : "" } }, text));
}
