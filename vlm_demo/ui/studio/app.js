// The entry of Studio: puts its parts together in the element that the page has for it.
import { h } from "../components/dom.js";
import { buildAhead, currentView, onViewChange } from "../header/views.js";
import { models, setTask } from "../header/models/store.js";
import { message, say } from "../i18n/say.js";
import { Archive } from "./archive/archive.js";
import { createDrawer } from "./archive/drawer.js";
import { start } from "./api/start.js";
import { Composer } from "./composer/composer.js";
import { taskOf } from "./composer/modes.js";
import { ConversationView } from "./conversation/conversation_view.js";
import { announceAnswers } from "./conversation/announcing.js";
import { createNotices } from "./notices.js";
import { openLink } from "./archive/links.js";
import { createSideHead } from "./archive/side_head.js";
import { createStage } from "./stage.js";
import { openDatabase } from "./state/database.js";
import { Persistence } from "./state/persistence.js";
import { Studio } from "./studio.js";

/**
 * Builds Studio.
 * @param {HTMLElement} root an empty element
 * @returns {Studio}
 */
export function mount(root) {
  const studio = new Studio();
  const persistence = new Persistence(studio.store, () => openDatabase(indexedDB), () => studio.notify({
    id: "storage", text: message("This browser does not keep conversations: its storage is full or forbidden. They last until the page is left."),
  }));
  studio.loadBlob = (key) => persistence.blob(key);
  const archive = new Archive(studio, persistence), composer = new Composer(studio);
  const status = h("p", { class: "sr-only", role: "status", "aria-live": "polite" });
  studio.announce = (text) => { status.textContent = text; };
  studio.focusComposer = () => composer.focus();
  root.classList.add("studio");
  studio.store.subscribe(({ readOnly }) => readOnly, (readOnly) => root.classList.toggle("is-read-only", readOnly));
  takePastes(studio);
  root.replaceChildren(
    createStage(studio),
    h("section", { class: "studio-side", "aria-label": say("Conversation about the image") }, createSideHead(studio, archive), new ConversationView(studio).element, createNotices(studio), composer.element),
    createDrawer(studio, archive), status,
  );
  announceAnswers(studio);
  followModels(studio);
  onViewChange((view) => view === "studio" && archive.writeAddress());
  void archive.start();
  void begin(studio).then(buildAhead);
  return studio;
}

/**
 * The header holds the models and says which one answers.
 * @param {Studio} studio
 */
function followModels(studio) {
  const { store } = studio;
  models.subscribe(({ chosen }) => chosen, (model) => store.update((state) => ({ ...state, model })), { now: true });
  models.subscribe(({ beside }) => beside, (beside) => studio.askBeside(beside), { now: true });
  models.subscribe(({ models: list }) => list, (list) => store.update((state) => (state.start && list.length ? { ...state, start: { ...state.start, models: list } } : state)));
  store.subscribe(({ draft }) => taskOf(draft.mode, draft.style), setTask, { now: true });
}

/**
 * A picture may be pasted wherever the focus is; the composer takes those that are pasted into it.
 * @param {Studio} studio
 */
function takePastes(studio) {
  document.addEventListener("paste", (event) => {
    const { files } = event.clipboardData ?? {}, target = /** @type {Element | null} */ (event.target);
    if (event.defaultPrevented || currentView() !== "studio" || !files?.length || target?.closest("input, textarea, [contenteditable]")) return;
    event.preventDefault();
    studio.addFiles(files);
  });
}

/** @param {Studio} studio */
async function begin(studio) {
  try {
    const answer = await start();
    studio.store.update((state) => ({ ...state, start: answer, model: state.model || answer.default }));
    await openLink(studio);
  } catch (error) {
    studio.report(error);
  }
}
