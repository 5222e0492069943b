// What goes with the words: tags, marked regions, attached pictures, each as a chip that can be taken away.
import { arrange, h, setText } from "../../components/dom.js";
import { message, say } from "../../i18n/say.js";
import { icon } from "../icons.js";
import { outlineMarked } from "../layers/outlining.js";
import { translate } from "../server_text.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Picture} Picture */
/** @typedef {import("../state/types.js").Region} Region */

/**
 * @param {Studio} studio
 * @param {() => void} refocus puts the focus into the field after a chip has gone
 * @returns {HTMLElement}
 */
export function createChips(studio, refocus) {
  const root = h("div", { class: "composer-chips", role: "group", "aria-label": say("Attached") });
  /** @type {Map<string, HTMLElement>} */
  let chips = new Map();
  const draw = () => {
    const { draft, conversation } = studio.store.get();
    /** @type {Map<string, HTMLElement>} */
    const next = new Map();
    const keep = (/** @type {string} */ key, /** @type {() => HTMLElement} */ make) => next.set(key, chips.get(key) ?? make());
    for (const picture of visiblePictures(draft.pictures, conversation.pictures)) {
      const chip = keep(`picture ${picture.key}`, () => pictureChip(studio, picture.key, refocus)).get(`picture ${picture.key}`);
      updatePicture(studio, /** @type {HTMLElement} */ (chip), picture);
    }
    const finds = studio.model()?.finds_alike === true;
    draft.regions.forEach((region, index) => keep(`region ${index} ${JSON.stringify(region)} ${finds}`, () => regionChip(studio, region, index, refocus)));
    if (draft.regions.length) keep("outline", () => outlineButton(studio)).get("outline")?.toggleAttribute("hidden", !studio.store.get().start?.outlines);
    if (draft.mode === "find") for (const tag of draft.tags) keep(`tag ${tag}`, () => tagChip(studio, tag, refocus));
    chips = next;
    arrange(root, [...next.values()]);
    root.hidden = !next.size;
  };
  studio.store.subscribe(({ draft }) => draft, draw, { now: true });
  studio.store.subscribe(({ conversation }) => conversation.pictures, draw);
  studio.store.subscribe(() => studio.model()?.finds_alike, draw);
  return root;
}

/**
 * Pictures are on the canvas and in its strip; a chip is for those that are not, or are still on their way.
 * @param {string[]} keys
 * @param {Picture[]} pictures
 */
function visiblePictures(keys, pictures) {
  return pictures.filter(({ key, status }) => keys.includes(key) && status !== "ready" && status !== "new");
}

/** @param {Region} region */
const kindOf = ({ box, point }) => (box ? "box" : point ? "point" : "polygon");

const KINDS = { box: message("Box {number}"), point: message("Point {number}"), polygon: message("Scribble {number}") };

/**
 * @param {string} className
 * @param {any} content
 * @param {string} removal
 * @param {() => void} remove
 */
const chip = (className, content, removal, remove) => h(
  "span", { class: ["chip", className] }, content,
  h("button", { type: "button", class: "chip-close", "aria-label": removal, title: removal, onclick: remove }, icon("close")),
);

/**
 * @param {Studio} studio
 * @param {string} tag
 * @param {() => void} refocus
 */
const tagChip = (studio, tag, refocus) => chip("tag", h("span", { dir: "auto" }, tag), say("Remove {name}", { name: tag }), () => {
  studio.changeDraft((draft) => ({ ...draft, tags: draft.tags.filter((one) => one !== tag) }));
  refocus();
});

/**
 * @param {Studio} studio
 * @param {Region} region
 * @param {number} index
 * @param {() => void} refocus
 */
function regionChip(studio, region, index, refocus) {
  const name = say(KINDS[kindOf(region)], { number: index + 1 });
  const find = h("button", { type: "button", class: "chip-action", onclick: () => void studio.findLike(region) }, say("Find all like it"));
  return chip("region", [icon("box"), name, ...(studio.model()?.finds_alike ? [find] : [])], say("Remove {name}", { name }), () => {
    studio.setRegions(studio.store.get().draft.regions.filter((_, at) => at !== index));
    refocus();
  });
}

/**
 * Makes outlines of all that is marked.
 *
 * @param {Studio} studio
 */
const outlineButton = (studio) => h(
  "button", { type: "button", class: "chip-button", title: say("Fit what you marked to the outlines of objects"), onclick: () => void outlineMarked(studio) }, say("Outline"),
);

/**
 * @param {Studio} studio
 * @param {string} key
 * @param {() => void} refocus
 */
function pictureChip(studio, key, refocus) {
  const show = () => studio.changeConversation((one) => ({ ...one, shown: key }));
  const content = h("button", { type: "button", class: "chip-picture", onclick: show }, h("img", { alt: "" }), h("span", { class: "chip-name", dir: "auto" }), h("progress", { max: 1, hidden: true }));
  return chip("picture", content, say("Remove image"), () => {
    studio.removePicture(key);
    refocus();
  });
}

/**
 * @param {Studio} studio
 * @param {HTMLElement} element
 * @param {Picture} picture
 */
function updatePicture(studio, element, picture) {
  const image = /** @type {HTMLImageElement} */ (element.querySelector("img")), bar = /** @type {HTMLProgressElement} */ (element.querySelector("progress"));
  const url = studio.pictures.url(picture);
  if (image.getAttribute("src") !== url && url) image.src = url;
  image.hidden = !url;
  setText(/** @type {Element} */ (element.querySelector(".chip-name")), picture.problem ? translate(picture.problem) : picture.name);
  element.classList.toggle("failed", Boolean(picture.problem));
  bar.hidden = picture.status !== "uploading";
  bar.value = picture.share;
}
