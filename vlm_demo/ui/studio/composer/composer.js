// The composer: what is asked, of which kind, with what. Nothing that is written in it is ever lost.
import { fill, h } from "../../components/dom.js";
import { easeLongWords } from "../../components/long_words.js";
import { message, say } from "../../i18n/say.js";
import { icon } from "../icons.js";
import { createChips } from "./chips.js";
import { createHints } from "./hints.js";
import { isSendable, takesText, withText } from "./modes.js";
import { OptionsPanel } from "./options_panel.js";
import { addTags, cutNames, takeTags } from "./tags.js";
import { createTaskMenu } from "./task_menu.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Draft} Draft */

/** Highest that the field grows, as a share of the window; beyond, it scrolls. */
const HIGHEST = 0.3;

/** What the field says while it is empty, in English. @type {Record<string, string>} */
const PLACEHOLDERS = {
  chat: message("Ask about the image…"), ask: message("One question about the image…"), find: message("Objects to find, e.g. cat, red circle"), caption: message("Press Enter to describe the image"),
  continue: message("Beginning of the description…"), describe: message("Press Enter to describe the region"), read: message("Press Enter to read the text"), detect: message("Press Enter to find everything"),
};

/** The form at the end of the conversation. */
export class Composer {
  #studio;
  #field;
  #send;
  #editing;

  /** @param {Studio} studio */
  constructor(studio) {
    this.#studio = studio;
    const focus = () => this.focus();
    this.#field = /** @type {HTMLTextAreaElement} */ (h("textarea", {
      id: "studio-composer", rows: 1, dir: "auto", autocomplete: "off", "aria-label": say("Message"), enterkeyhint: "send",
      oninput: () => this.#write(), onkeydown: (/** @type {KeyboardEvent} */ event) => this.#press(event), onpaste: (/** @type {ClipboardEvent} */ event) => this.#paste(event),
    }));
    this.#send = h("button", { type: "submit", class: "send-button", id: "studio-send" });
    this.#editing = h("p", { class: "composer-editing", hidden: true });
    this.element = h(
      "form", { class: "composer", "aria-label": say("Composer"), onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      createHints(studio, focus), this.#editing,
      h(
        "div", { class: "composer-box", onclick: (/** @type {Event} */ event) => event.target === event.currentTarget && focus() },
        createChips(studio, focus), this.#field,
        h("div", { class: "composer-row" }, createTaskMenu(studio, focus), new OptionsPanel(studio).button, h("span", { class: "spring" }), this.#send),
      ),
    );
    this.#acceptDrops();
    studio.store.subscribe(({ draft }) => draft, (draft) => this.#show(draft), { now: true });
    studio.store.subscribe(({ running }) => running, () => this.#showSend());
    studio.store.subscribe(({ readOnly }) => readOnly, (readOnly) => { this.element.hidden = readOnly; }, { now: true });
    addEventListener("resize", () => this.#grow());
  }

  focus() {
    this.#field.focus({ preventScroll: true });
  }

  /** @param {Draft} draft */
  #show(draft) {
    const { mode, style, text, editing } = draft;
    if (this.#field.value !== text) {
      this.#field.value = text;
      this.#grow();
    }
    const writable = takesText(mode, style) || draft.auto;
    const name = mode === "caption" && style === "continue" ? "continue" : draft.auto ? "describe" : mode;
    this.#field.placeholder = say(mode === "find" && draft.tags.length ? "Add another, or press Enter" : PLACEHOLDERS[name]);
    this.#field.readOnly = !writable;
    this.element.dataset.mode = mode;
    this.#editing.hidden = !editing;
    if (editing && !this.#editing.childElementCount) {
      fill(this.#editing, say("Editing: sending replaces this turn and what follows."), " ", h("button", { type: "button", class: "text-button", onclick: () => this.#cancelEditing() }, say("Cancel")));
    } else if (!editing) fill(this.#editing);
    this.#showSend();
  }

  #showSend() {
    const { draft, running } = this.#studio.store.get();
    const stops = running.length > 0 && !draft.text.trim() && !draft.tags.length;
    const label = stops ? say("Stop") : say("Send");
    if (this.#send.dataset.act !== (stops ? "stop" : "send")) {
      this.#send.dataset.act = stops ? "stop" : "send";
      fill(this.#send, icon(stops ? "stop" : "send"));
      this.#send.title = label;
      this.#send.setAttribute("aria-label", label);
    }
    this.#send.setAttribute("aria-disabled", String(!stops && !isSendable(draft)));
  }

  #write() {
    const { value } = this.#field, { draft } = this.#studio.store.get();
    if (draft.mode === "find") this.#studio.changeDraft((one) => ({ ...one, ...takeTags(one.tags, value), asking: false }));
    else this.#studio.changeDraft((one) => withText(one, value));
    this.#grow();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    // While a Japanese or Chinese word is being composed, Enter chooses it; Safari says so by the code 229 only.
    if (event.isComposing || event.keyCode === 229) return;
    const { draft } = this.#studio.store.get();
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.element.requestSubmit();
    } else if (event.key === "Escape" && draft.editing) this.#cancelEditing();
    else if (event.key === "Backspace" && draft.mode === "find" && draft.tags.length && !this.#field.selectionEnd) {
      event.preventDefault();
      const last = /** @type {string} */ (draft.tags.at(-1));
      this.#studio.changeDraft((one) => ({ ...one, tags: one.tags.slice(0, -1), text: last + one.text }));
      this.#field.setSelectionRange(last.length, last.length);
    }
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    const { files } = event.clipboardData ?? {}, text = event.clipboardData?.getData("text/plain") ?? "";
    const { draft } = this.#studio.store.get();
    // Spreadsheets and word processors put a picture of the text beside it.
    if (files?.length && !text) {
      event.preventDefault();
      this.#studio.addFiles(files);
    } else if (draft.mode === "find" && /\n/.test(text)) {
      event.preventDefault();
      this.#studio.changeDraft((one) => ({ ...one, tags: addTags(one.tags, cutNames(text)) }));
    }
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    if (this.#send.dataset.act === "stop") this.#studio.asking.running.stopAll();
    else void this.#studio.asking.send();
    this.focus();
  }

  #cancelEditing() {
    this.#studio.changeDraft((draft) => ({ ...draft, editing: null, text: "", tags: [], problem: null }));
    this.#studio.setRegions([]);
    this.focus();
  }

  #grow() {
    const field = this.#field;
    easeLongWords(field, field.value);
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, innerHeight * HIGHEST)}px`;
    field.style.overflowY = field.scrollHeight > innerHeight * HIGHEST ? "auto" : "hidden";
  }

  #acceptDrops() {
    const box = this.element;
    const carriesFiles = (/** @type {DragEvent} */ event) => Boolean(event.dataTransfer?.types.includes("Files"));
    box.addEventListener("dragover", (/** @type {DragEvent} */ event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      box.classList.add("dropping");
    });
    box.addEventListener("dragleave", () => box.classList.remove("dropping"));
    box.addEventListener("drop", (/** @type {DragEvent} */ event) => {
      box.classList.remove("dropping");
      if (!carriesFiles(event)) return;
      event.preventDefault();
      this.#studio.addFiles(event.dataTransfer?.files ?? []);
    });
  }
}
