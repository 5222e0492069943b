// Reports an answer, with a reason.
import { h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { openPanel } from "./panel.js";

/** Longest reason, in characters. */
const LONGEST = 1000;

/**
 * @param {HTMLElement} extra
 * @param {(reason: string) => Promise<void>} send
 */
export function openFlag(extra, send) {
  const field = h("textarea", { rows: 2, maxlength: LONGEST, id: "flag-reason" });
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    await send(field.value.trim());
    close();
  };
  const form = h("form", { onsubmit: submit }, h("label", { for: "flag-reason" }, say("What is wrong with this answer?")), field, h("p", { class: "hint" }, say("The operator of this page also gets your question and the answer, without your name.")), h("div", { class: "row" }, h("button", { type: "submit", class: "button primary" }, say("Report"))));
  const { close } = openPanel(extra, say("Report this answer"), [form]);
  field.focus();
}
