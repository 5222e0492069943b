// The picture beside the conversation: the canvas with the layers of the answers, what a person marks, and examples
// while there is no picture.
import { Canvas } from "../components/canvas/canvas.js";
import { fill, h } from "../components/dom.js";
import { language, say } from "../i18n/say.js";
import { call } from "./api/call.js";
import { CameraDialog } from "./camera/dialog.js";
import { FilmPlayer } from "./film/player.js";
import { createTimeLine } from "./film/time_line.js";
import { perFrame } from "./frame.js";
import { problemOf } from "./api/problems.js";
import { Gallery } from "./gallery/gallery.js";
import { createStrip } from "./strip/follow.js";
import { LayersBar } from "./layers/layers_bar.js";
import { outlineLayer } from "./layers/outlining.js";
import { translate } from "./server_text.js";

/** @typedef {import("./studio.js").Studio} Studio */

/**
 * @param {Studio} studio
 * @returns {HTMLElement}
 */
export function createStage(studio) {
  const host = h("div", { id: "studio-canvas" }), bar = h("div", { id: "layers" }), message = h("div", { class: "stage-message", role: "status" });
  const canvas = createCanvas(studio, host), layers = createBar(studio, bar, canvas), gallery = createGallery(studio, host);
  const { store } = studio;
  const show = () => {
    const { conversation } = store.get(), picture = conversation.pictures.find(({ key }) => key === conversation.shown);
    const url = picture?.width ? studio.pictures.url(picture) : "";
    canvas.show(picture && url ? { key: picture.key, url, name: picture.name, width: picture.width, height: picture.height } : null);
    gallery.element.hidden = Boolean(picture);
    bar.hidden = !picture;
    fill(message, ...(picture && !url ? describePicture(studio, picture) : []));
    message.hidden = !message.childElementCount;
    // Out of storage, or after the server has been started anew.
    if (picture && !url && picture.status === "new") void studio.pictures.ids([picture.key]).catch(() => {});
    mark();
  };
  // What is marked on the canvas is what goes with the question, such as one that is edited.
  const mark = () => { if (!studio.onTruth) canvas.regions = /** @type {any} */ (store.get().draft.regions); };
  store.subscribe(({ conversation }) => conversation.shown, show, { now: true });
  store.subscribe(({ conversation }) => conversation.pictures, show);
  const draw = perFrame(() => {
    const listed = /** @type {any} */ (studio.shownLayers().filter((layer) => layer.listed));
    canvas.layers = listed;
    layers.draw(listed.map((/** @type {any} */ layer) => ({ ...layer, outlined: store.get().start?.outlines && layer.outlinable ? layer.outlined : null })));
  });
  store.subscribe(() => studio.shownLayers(), draw, { now: true });
  store.subscribe(({ draft }) => draft.regions, mark);
  store.subscribe(({ pointed }) => pointed, (pointed) => {
    const layer = studio.shownLayers().find(({ answer, mentions }) => answer === pointed?.answer && mentions.some(({ index }) => index === pointed?.mention));
    const target = layer && pointed ? { layer: layer.id, mention: layer.mentions.findIndex(({ index }) => index === pointed.mention) } : null;
    canvas.highlight(target);
    layers.highlight(target);
  });
  host.addEventListener("error", (/** @type {Event} */ event) => {
    const { shown } = store.get().conversation;
    if (event.target instanceof HTMLImageElement && shown) void studio.pictures.renew(shown);
  }, true);
  const player = new FilmPlayer(studio, host, canvas);
  studio.playFilm = (root, frame) => {
    const film = store.get().conversation.pictures.find(({ key }) => key === root);
    if (player.isPlaying) player.stop();
    else if (film) void player.play(film, frame);
  };
  studio.isPlaying = () => player.isPlaying;
  store.subscribe(({ conversation }) => conversation.id, () => player.stop());
  return h("section", { class: "studio-stage", "aria-label": say("Image") }, createStrip(studio), host, createTimeLine(studio, player), message, bar);
}

/**
 * @param {Studio} studio
 * @param {HTMLElement} host
 */
function createCanvas(studio, host) {
  const canvas = new Canvas(host, {
    selectable: true,
    onFiles: (files) => studio.addFiles(files),
    onRegions: (regions) => studio.takeRegions(regions),
    onMention: (target) => studio.point(target && mentionOf(studio, target)),
    onFullResolution: (picture) => fullResolution(studio, picture.key),
  });
  studio.drawRegions = (regions) => { canvas.regions = /** @type {any} */ (regions); };
  studio.reveal = (region) => canvas.reveal(/** @type {any} */ (region));
  return canvas;
}

/**
 * @param {Studio} studio
 * @param {HTMLElement} host
 * @param {Canvas} canvas
 */
function createBar(studio, host, canvas) {
  return new LayersBar(host, {
    onVisible: (ids, visible) => studio.changeLayers((layers) => ({ ...layers, hidden: visible ? layers.hidden.filter((id) => !ids.includes(id)) : [...new Set([...layers.hidden, ...ids])] })),
    onDelete: (id) => studio.changeLayers((layers) => ({ ...layers, deleted: [...layers.deleted, id] })),
    onOutline: (id) => void outlineLayer(studio, id),
    onHighlight: (target) => canvas.highlight(target),
    onReveal: (id, index) => {
      const layer = studio.shownLayers().find((one) => one.id === id), region = layer?.mentions.flatMap(({ regions }) => regions)[index];
      if (region) studio.reveal(region);
    },
  });
}

/**
 * @param {Studio} studio
 * @param {HTMLElement} host
 */
function createGallery(studio, host) {
  const camera = new CameraDialog(studio);
  const gallery = new Gallery(host, {
    onFiles: (files) => studio.addFiles(files),
    onExample: (example, request) => {
      studio.pictures.addExample(example, example.title[language()] ?? example.title.en ?? example.id);
      if (request) void studio.askAtOnce(/** @type {any} */ (request.task), request.text);
    },
    onAddress: (address) => studio.pictures.addAddress(address).catch((error) => { throw new Error(translate(problemOf(error).message)); }),
    // A page for everybody fetches no pictures of the web.
    takesAddresses: () => studio.store.get().start?.public === false,
    onCamera: () => void camera.open(host),
    onConversations: () => studio.openDrawer("conversations"),
  });
  const show = () => {
    const model = studio.model(), examples = studio.store.get().start?.examples ?? [];
    // A model that knows one kind of picture is not shown the others to fail at.
    const known = examples.filter((/** @type {{kind: string}} */ { kind }) => !model?.made_for || model.made_for === kind);
    gallery.show(known.length ? known : examples, ({ task }) => model?.can?.[task] === true);
  };
  studio.store.subscribe(({ start }) => start?.examples, show, { now: true });
  studio.store.subscribe(() => studio.model()?.can, show);
  studio.chooseFiles = () => gallery.chooseFiles();
  studio.showExamples = () => /** @type {HTMLElement | null} */ (gallery.element.querySelector("[data-example]"))?.focus();
  return gallery;
}

/**
 * Says why a picture cannot be seen.
 * @param {Studio} studio
 * @param {import("./state/types.js").Picture} picture
 */
function describePicture(studio, { status, problem, share, key }) {
  if (status === "uploading") return [h("p", {}, say("Loading the image…")), h("progress", { max: 1, value: share })];
  if (!problem) return [];
  return [
    h("p", {}, translate(problem)),
    h("div", { class: "remedies" }, h("button", { type: "button", class: "button", onclick: () => studio.chooseFiles() }, say("Add an image")),
      status === "failed" ? h("button", { type: "button", class: "button", onclick: () => void studio.pictures.ids([key]).catch(() => {}) }, say("Try again")) : null),
  ];
}

/**
 * @param {Studio} studio
 * @param {{layer: string, mention?: number}} target
 */
function mentionOf(studio, { layer: id, mention = 0 }) {
  const layer = studio.shownLayers().find((one) => one.id === id);
  return layer?.mentions[mention] ? { turn: layer.turn, answer: layer.answer, mention: layer.mentions[mention].index } : null;
}

/**
 * @param {Studio} studio
 * @param {string} key
 */
async function fullResolution(studio, key) {
  const ids = await studio.pictures.ids([key]);
  const { url } = await call("studio_full_image", [ids.get(key)]);
  return url ? studio.address(url) : null;
}
