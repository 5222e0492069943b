// The question whether the program code that a checkpoint brings may run on this computer.
import { h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";

/**
 * @param {{checkpoint: string, revision: string, files: string}} question
 * @param {() => void} trust runs the code
 * @returns {HTMLElement}
 */
export function codeQuestion({ checkpoint, revision, files }, trust) {
  const agreement = h("input", { type: "checkbox", onchange: () => { confirm.disabled = !agreement.checked; } });
  const confirm = h("button", { type: "button", class: "button danger", disabled: true, onclick: trust }, say("Run this code and add the model"));
  return h("div", { class: "form-question", role: "alert" },
    h("p", {}, say("{name} comes with its own code. Once it runs, it can do whatever you can do on this computer: read and delete files, use the network, start programs. Read it first.", { name: checkpoint })),
    h("p", {}, say("Files: {files}", { files })),
    h("p", {}, say("Revision: {revision}", { revision })),
    h("label", { class: "form-tick" }, agreement, say("I have read these files and trust them, in this revision.")),
    confirm);
}
