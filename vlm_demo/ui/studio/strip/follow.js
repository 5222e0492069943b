// The strip over the canvas: what is attached to the next question, of which one is on the canvas.
import { h } from "../../components/dom.js";
import { groupsOf } from "../conversation/new_turn.js";
import { putPicture } from "../state/conversations.js";
import { entriesOf, MAX_ENTRIES, pictureOf, rootOf, select } from "./entries.js";
import { PictureStrip } from "./picture_strip.js";
import { Thumbnails } from "./thumbnails.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").State} State */
/** @typedef {import("./entries.js").Entry} Entry */

/**
 * @param {Studio} studio
 * @returns {HTMLElement}
 */
export function createStrip(studio) {
  const { store, pictures } = studio, host = h("div", { class: "stage-strip" });
  /** @type {Map<string, number>} */
  const first = new Map();
  const entries = () => entriesOf(store.get().conversation, store.get().draft, first);
  const thumbnails = new Thumbnails(pictures, () => strip.refresh());
  const strip = new PictureStrip(host, {
    onShow: (entry) => store.update((state) => withPicture(state, entry, { shows: true })),
    onSelect: (keys) => store.update((state) => selected(state, keys, first)),
    onOrder: (roots) => {
      const rootByKey = new Map(store.get().conversation.pictures.map((picture) => [picture.key, rootOf(picture)]));
      studio.changeDraft((draft) => ({ ...draft, pictures: roots.flatMap((root) => draft.pictures.filter((key) => rootByKey.get(key) === root)) }));
    },
    onRemove: (root) => studio.removePicture(root),
    onInTurn: (inTurn) => studio.changeDraft((draft) => ({ ...draft, inTurn })),
    onOneFrame: (oneFrame) => studio.changeDraft((draft) => ({ ...draft, oneFrame })),
    onPlay: ({ root, frame }) => studio.playFilm(root, frame),
    onFirst: (root, page) => {
      first.set(root, page);
      draw();
    },
    url: ({ key, root, frame, frames }) => {
      const picture = store.get().conversation.pictures.find((one) => one.key === key);
      return frames > 1 ? thumbnails.url(root, frame) : picture ? pictures.url(picture) : "";
    },
    onSeen: ({ root, frame, frames }) => frames > 1 && thumbnails.want(root, frame),
  });
  const draw = () => {
    const { conversation, draft } = store.get(), shown = conversation.pictures.find(({ key }) => key === conversation.shown);
    // A citation may lead to a page that is not on the strip.
    const begin = first.get(shown?.origin ?? "") ?? 0, frame = shown?.frame ?? 0;
    if (shown?.origin && (frame < begin || frame >= begin + MAX_ENTRIES)) first.set(shown.origin, frame - (frame % MAX_ENTRIES));
    const most = studio.model()?.max_images;
    strip.draw(entries(), conversation.shown, Boolean(draft.inTurn), { isForced: groupsOf({ ...draft, inTurn: false }, conversation, most).length > 1, finds: draft.mode === "find", oneFrame: Boolean(draft.oneFrame), isPlaying: studio.isPlaying() });
  };
  store.subscribe(({ draft }) => draft.pictures, draw, { now: true });
  store.subscribe(({ draft }) => draft.left, draw);
  store.subscribe(({ draft }) => draft.inTurn, draw);
  store.subscribe(({ draft }) => draft.mode, draw);
  store.subscribe(({ draft }) => draft.oneFrame, draw);
  studio.drawStrip = draw;
  store.subscribe(({ model }) => model, draw);
  store.subscribe(({ conversation }) => conversation.pictures, draw);
  store.subscribe(({ conversation }) => conversation.shown, draw);
  studio.showPage = (root, frame) => {
    const file = store.get().conversation.pictures.find(({ key }) => key === root);
    const entry = file && entriesOf({ pictures: store.get().conversation.pictures }, { pictures: [root] }, new Map([[root, frame]]))[0];
    if (entry && frame < file.frames) store.update((state) => withPicture(state, entry, { shows: true }));
  };
  return host;
}

/**
 * @param {State} state
 * @param {Entry} entry
 * @param {{shows?: boolean}} [options] `shows`: it is put on the canvas
 * @returns {State}
 */
function withPicture(state, entry, { shows = false } = {}) {
  const { conversation } = state, file = conversation.pictures.find(({ key }) => key === entry.root);
  if (!file) return state;
  const known = conversation.pictures.some(({ key }) => key === entry.key);
  const next = known ? conversation : putPicture(conversation, pictureOf(file, entry));
  if (!shows) return next === conversation ? state : { ...state, conversation: next };
  const draft = conversation.shown === entry.key ? state.draft : { ...state.draft, regions: [] };
  return { ...state, draft, conversation: { ...next, shown: entry.key, changed: Date.now() } };
}

/**
 * @param {State} state
 * @param {Set<string>} keys
 * @param {Map<string, number>} first
 * @returns {State}
 */
function selected(state, keys, first) {
  const entries = entriesOf(state.conversation, state.draft, first), draft = select(state.draft, entries, keys);
  const chosen = new Set(draft.pictures);
  return entries.filter(({ key }) => chosen.has(key)).reduce((next, entry) => withPicture(next, entry), { ...state, draft });
}
