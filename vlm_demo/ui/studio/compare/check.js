// Checks an answer: each thing that it names is looked for in the picture by a model that locates.
import { fill, h } from "../../components/dom.js";
import { message, say } from "../../i18n/say.js";
import { stream } from "../api/call.js";
import { createCorrection } from "./correction.js";
import { isAbort } from "../api/errors.js";
import { withPictures } from "../actions/download.js";
import { openPanel } from "../actions/panel.js";
import { documentOf } from "../state/documents.js";
import { translate } from "../server_text.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Answer} Answer */

/**
 * Opens the check of an answer below it, or closes it.
 * @param {Studio} studio
 * @param {string} turn
 * @param {Answer} answer
 * @param {HTMLElement} extra
 * @param {HTMLElement} button that was pressed
 */
export function toggleCheck(studio, turn, answer, extra, button) {
  if (button.getAttribute("aria-expanded") === "true") return void /** @type {HTMLElement | null} */ (extra.querySelector(".close-panel"))?.click();
  const stopping = new AbortController(), body = h("div", { class: "findings", role: "status" }), checkers = checkersOf(studio);
  // The server knows which one knows such pictures and the language of the answer.
  const select = h("select", { id: "checker", onchange: () => void run(select.value) }, h("option", { value: "" }, say("Best choice")), ...checkers.map(({ name, title }) => h("option", { value: name }, title ?? name)));
  const opened = openPanel(extra, say("Check against the image"), [
    h("p", { class: "hint" }, say("Each object it mentions is looked up in the image.")), h("p", { class: "row" }, h("label", { for: "checker" }, say("Checker")), select), body,
  ], () => {
    stopping.abort();
    button.setAttribute("aria-expanded", "false");
    button.focus();
  });
  button.setAttribute("aria-expanded", "true");
  const run = async (/** @type {string} */ checker) => {
    fill(body, h("p", { class: "hint" }, say("Looking…")));
    try {
      await withPictures(studio, answer.pictures, async (images) => {
        const sent = documentOf(studio.store.get().conversation, turn, answer, images, []);
        for await (const event of stream("studio_check", [sent, checker], { signal: stopping.signal })) if (event) fill(body, ...describe(event, studio, { turn, answer, close: opened.close }));
      });
    } catch (error) {
      if (!isAbort(error)) studio.report(error);
    }
  };
  if (checkers.length) void run(select.value);
  else fill(body, h("p", {}, say("No model that can be used here locates objects.")));
  return undefined;
}

/**
 * @param {Studio} studio
 * @returns {any[]} models that can look for things now, those in memory first
 */
function checkersOf(studio) {
  const all = (studio.store.get().start?.models ?? []).filter((/** @type {any} */ model) => model.can?.grounding === true && model.group !== "elsewhere" && model.family_name !== "automatic");
  const near = all.filter((/** @type {any} */ model) => model.loaded || model.group === "here" || model.group === "servers");
  const able = near.length ? near : all;
  return able.sort((/** @type {any} */ one, /** @type {any} */ other) => Number(other.loaded) - Number(one.loaded));
}

/** English words of each verdict. @type {Record<string, string>} */
const VERDICTS = { supported: message("confirmed"), contradicted: message("not in the image"), uncertain: message("not found"), unchecked: message("not checked"), pending: "…" };

/**
 * @param {any} event
 * @param {Studio} studio
 * @param {import("./correction.js").Place} place
 */
function describe({ findings = [], summary, notes = [], error, checker = "", corrected = [], rewritten = "" }, studio, place) {
  if (error) return [h("p", { class: "reply-note", data: { tone: "unreadable" } }, translate(error))];
  const rows = findings.map((/** @type {any} */ one) => h(
    "tr", { data: { verdict: one.verdict } }, h("th", { scope: "row", dir: "auto" }, one.phrase), h("td", {}, say(VERDICTS[one.verdict] ?? one.verdict)), h("td", {}, translate(one.reason) || (one.count ? String(one.count) : "")),
  ));
  return [
    summary ? h("p", { class: "reply-note" }, translate(summary)) : null,
    rows.length ? h("table", { class: "figures-table" }, h("thead", {}, h("tr", {}, ...[say("Object"), say("Verdict"), say("Found")].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, ...rows)) : null,
    ...notes.map((/** @type {any} */ note) => h("p", { class: "hint" }, translate(note))),
    checker ? h("p", { class: "hint" }, say("Checked by {model}", { model: studio.titleOfModel(checker) })) : null,
    corrected.some((/** @type {any} */ part) => part.struck) ? createCorrection(studio, place, { parts: corrected, rewritten, findings, checker }) : null,
  ];
}
