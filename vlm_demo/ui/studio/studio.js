// Studio as its parts see it: the state, and what can be done with it.
import { message } from "../i18n/say.js";
import { newId } from "./state/ids.js";
import { createStore, remember } from "./state/store.js";
import { changeAnswer, newConversation } from "./state/conversations.js";
import { showVersion } from "./state/answers.js";
import { deriveLayers } from "./state/layers.js";
import { addressOf, stream } from "./api/call.js";
import { Explained } from "./api/errors.js";
import { problemOf } from "./api/problems.js";
import { chooseModel, compareModels } from "../header/models/store.js";
import { titleOf } from "../header/models/titles.js";
import { emptyDraft, likeRegion, modeOf, takesText, withRegions } from "./composer/modes.js";
import { removePicture } from "./state/attached.js";
import { picturesAmong } from "../components/canvas/picture_files.js";
import { Asking } from "./conversation/asking.js";
import { Pictures } from "./api/pictures.js";

/** @typedef {import("./state/types.js").State} State */
/** @typedef {import("./state/types.js").Conversation} Conversation */
/** @typedef {import("./state/types.js").Draft} Draft */
/** @typedef {import("./state/types.js").Region} Region */
/** @typedef {{turn: string, answer: string, mention: number} | null} Pointed a phrase that is pointed at */

/** @returns {State} */
export const initialState = () => ({
  start: null, model: "", conversation: newConversation(newId(), Date.now()), list: [], readOnly: false, draft: emptyDraft(), drawer: null, notices: [], running: [], pointed: null,
});

/** Before the server has said which colours there are. */
const NO_PALETTE = { colours: ["#D55E00"], dashes: [[]] };

/** @param {Pointed} one @param {Pointed} other */
const same = (one, other) => one === other || (one?.answer === other?.answer && one?.mention === other?.mention && one?.turn === other?.turn);

/** What all parts of Studio share. */
export class Studio {
  /** Opens the chooser of files; the canvas has the only one. */
  chooseFiles = () => {};
  /** Says something to people who cannot see the page. */
  announce = /** @type {(text: string) => void} */ (() => {});

  /** Puts the focus where the next question is written. */
  focusComposer = () => {};
  /** Zooms the canvas to a region. */
  reveal = /** @type {(region: Region) => void} */ (() => {});
  /** Plays a film from a frame on, or stops it. */
  playFilm = /** @type {(root: string, frame: number) => void} */ (() => {});
  isPlaying = () => false;
  /** Draws the strip again. */
  drawStrip = () => {};
  /** Shows a page or frame of a file on the canvas. */
  showPage = /** @type {(root: string, frame: number) => void} */ (() => {});
  /** Opens the examples. */
  showExamples = () => {};
  /** Empties or fills the regions that are marked on the canvas. */
  drawRegions = /** @type {(regions: readonly Region[]) => void} */ (() => {});

  /** Takes what is marked while ground truth is drawn; null: it is a part of the next question. @type {((regions: Region[]) => void) | null} */
  onTruth = null;

  #layers = remember(deriveLayers);
  #shownLayers = remember(deriveLayers);

  constructor() {
    this.store = createStore(initialState());
    this.pictures = new Pictures(this.store, (key) => this.loadBlob(key));
    this.asking = new Asking(this.store, this.pictures, (what, count, undo) => this.offerUndo(what, count, undo), (count, goOn) => this.offerRest(count, goOn));
  }

  /** @type {(key: string) => Promise<Blob | null>} */
  loadBlob = () => Promise.resolve(null);

  /** What is known of a model, of the chosen one if none is named. @param {string} [name] @returns {any} */
  model(name = this.store.get().model) {
    return this.store.get().start?.models.find((/** @type {any} */ one) => one.name === name);
  }

  /** @param {string} name */
  titleOfModel(name) {
    return this.model(name)?.title ?? titleOf(name);
  }

  /** @param {string} model */
  chooseModel(model) {
    chooseModel(model);
  }

  /** The layers of all pictures of the conversation. */
  layers() {
    return this.#layers(this.store.get().conversation, null, this.palette());
  }

  /** The layers of the picture that the canvas shows. */
  shownLayers() {
    const { conversation } = this.store.get();
    return this.#shownLayers(conversation, conversation.shown, this.palette());
  }

  /** Address of something on the server. @param {string} path */
  address(path) {
    return addressOf(path);
  }

  /** @returns {import("./state/layers.js").Palette} */
  palette() {
    return this.store.get().start?.palette ?? NO_PALETTE;
  }

  /** @param {(draft: Draft) => Draft} change */
  changeDraft(change) {
    this.store.update((state) => ({ ...state, draft: change(state.draft) }));
  }

  /** Changes what belongs to the conversation as a whole. @param {(conversation: Conversation) => Conversation} change */
  changeConversation(change) {
    this.store.update((state) => ({ ...state, conversation: { ...change(state.conversation), changed: Date.now() } }));
  }

  /** Marks regions on the canvas. @param {Region[]} regions */
  setRegions(regions) {
    this.drawRegions(regions);
    this.changeDraft((draft) => withRegions(draft, regions, this.model()));
  }

  /** A person has marked regions on the canvas. @param {readonly Region[]} regions */
  takeRegions(regions) {
    if (this.onTruth) this.onTruth([...regions]);
    else this.changeDraft((draft) => withRegions(draft, [...regions], this.model()));
  }

  /** @param {(layers: Conversation["layers"]) => Conversation["layers"]} change */
  changeLayers(change) {
    this.changeConversation((one) => ({ ...one, layers: change(one.layers) }));
  }

  /** @param {string} key */
  showPicture(key) {
    this.changeConversation((one) => ({ ...one, shown: key }));
  }

  /** @param {Pointed} pointed */
  point(pointed) {
    this.store.update((state) => (same(state.pointed, pointed) ? state : { ...state, pointed }));
  }

  /** Shows the regions of a phrase on their picture, those of an older answer too. @param {NonNullable<Pointed>} pointed */
  showMention({ answer, mention }) {
    const layer = this.layers().find((one) => one.answer === answer && one.mentions.some(({ index }) => index === mention));
    const found = this.store.get().conversation.turns.flatMap(({ answers }) => answers).find(({ id }) => id === answer);
    const region = found?.mentions[mention]?.regions[0];
    if (!layer || !found || !region) return;
    const shown = found.pictures[found.mentions[mention].image] ?? this.store.get().conversation.shown;
    this.changeConversation((one) => ({
      ...one, shown,
      layers: { ...one.layers, hidden: one.layers.hidden.filter((id) => id !== layer.id), shown: one.layers.shown.includes(answer) ? one.layers.shown : [...one.layers.shown, answer] },
    }));
    this.reveal(region);
  }

  /** @param {string} turn @param {string} answer @param {number} step */
  showVersion(turn, answer, step) {
    this.store.update((state) => ({ ...state, conversation: changeAnswer(state.conversation, turn, answer, (one) => showVersion(one, step, Date.now()), Date.now()) }));
  }

  /** Reads the numbers of an answer in another coordinate space. @param {string} turn @param {string} answer @param {string} space */
  readAgain(turn, answer, space) {
    return this.asking.readAgain(turn, answer, space);
  }

  /** @param {string} model @param {string} [format] of its numbers */
  async loadModel(model, format) {
    for await (const event of stream("studio_load", [model, format ?? ""])) if (event?.error) throw new Explained(event.error);
  }

  /** Tells of an error that belongs to no answer. @param {unknown} error */
  report(error) {
    this.notify({ id: "error", text: problemOf(error).message });
  }

  /** @param {Iterable<File>} files */
  addFiles(files) {
    this.pictures.add(picturesAmong(files));
  }

  /** @param {string} key of a picture, or of a file with all its pages */
  removePicture(key) {
    this.store.update((state) => removePicture(state, key));
  }

  /** Asks what a button says. @param {import("./state/types.js").Task} task @param {string} text */
  askAtOnce(task, text) {
    const { mode, style } = modeOf({ task, text });
    const written = takesText(mode, style) ? text : "";
    this.changeDraft((draft) => ({ ...draft, mode, style, auto: false, text: written, tags: [], problem: null }));
    return this.asking.send();
  }

  /** Looks for everything that is like a region. @param {Region} region */
  findLike(region) {
    this.changeDraft((draft) => likeRegion(draft, region));
    return this.asking.send();
  }

  /** @param {import("./state/types.js").Shot} shot */
  addShot(shot) {
    this.changeConversation((one) => ({ ...one, shots: [...one.shots, shot] }));
  }

  /** @param {string} name @param {{turn?: string, answer?: string}} [values] */
  openDrawer(name, values = {}) {
    this.store.update((state) => ({ ...state, drawer: { name, ...values } }));
  }

  closeDrawer() {
    this.store.update((state) => (state.drawer ? { ...state, drawer: null } : state));
  }

  /** @param {import("./state/types.js").Notice} notice takes the place of one with its id */
  notify(notice) {
    this.store.update((state) => ({ ...state, notices: [...state.notices.filter(({ id }) => id !== notice.id), notice] }));
  }

  /** @param {string} id */
  dismiss(id) {
    this.store.update((state) => ({ ...state, notices: state.notices.filter((one) => one.id !== id) }));
  }

  /** Each question also goes to another model. @param {string} model "": to none */
  askBeside(model) {
    this.asking.beside = model;
    if (!model) return void this.dismiss("beside");
    this.notify({
      id: "beside", text: { words: message("Each question also goes to {model}, for comparison."), values: { model: this.titleOfModel(model) } },
      action: { label: message("Ask one model only"), run: () => compareModels(this.store.get().model, "") },
    });
  }

  /** @param {number} count of the pictures that were not asked about @param {() => void} goOn */
  offerRest(count, goOn) {
    this.notify({ id: "rest", text: { words: message("{count} more were not asked about."), values: { count } }, action: { label: message("Go on"), run: goOn } });
  }

  /** @param {"replaced" | "deleted"} what @param {number} count @param {() => void} undo */
  offerUndo(what, count, undo) {
    const text = what === "deleted" ? message("Turn deleted.") : count === 1 ? message("1 turn replaced.") : { words: message("{count} turns replaced."), values: { count } };
    this.notify({ id: "undo", text, action: { label: message("Undo"), run: undo } });
  }
}
