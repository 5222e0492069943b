// A canvas on a part of the page that is made by Gradio (canvas.py): it shows what `props.value` says and tells the
// server what a person does, as events of the component.

import { h } from "../dom.js";
import { say } from "../../i18n/say.js";
import { Canvas } from "./canvas.js";
import { takeDrops, takePastes } from "./incoming_files.js";
import { ACCEPT, picturesAmong } from "./picture_files.js";
import { RegionReports } from "./region_reports.js";
import { followGroup } from "./view_groups.js";

/** @import { FoundRegion, Picture, Region, Target } from "./types.js" */

/**
 * @typedef {{phrase: string, colour: string, dash: number[], confidence: number | null, regions: FoundRegion[]}} MentionValue
 * @typedef {{url: string, width: number, height: number, name: string, fingerprint: string}} PictureValue
 * @typedef {{picture: PictureValue | null, mentions: MentionValue[], regions?: Region[]}} CanvasValue
 *   `regions`, where it is there, takes the place of those that are marked, once
 *
 * @typedef {object} GradioPart what Gradio gives the script of a `gr.HTML`
 * @property {{value: string, largest: number}} props
 * @property {(event: string, data?: object) => void} trigger
 * @property {{full_resolution_url?: (fingerprint: string) => Promise<string | null>}} server
 * @property {(file: File) => Promise<{path: string}>} upload
 * @property {(name: string, listener: () => void) => void} watch
 */

/**
 * @param {HTMLElement} root with `data-name`, its id; `data-group`, canvases that zoom together and take nothing in;
 *   `data-selectable`
 * @param {GradioPart} part
 */
export function mount(root, part) {
  new CanvasMount(root, part);
}

class CanvasMount {
  #root;
  #part;
  #name;
  #canvas;
  #reports;
  #frame = h("div", { class: "frame" });
  #drop;
  #chooser;
  #tools;

  /** @type {number | null} which mention is pointed at */
  #mention = null;

  /** @type {CanvasValue} */
  #value = { picture: null, mentions: [] };

  /**
   * @param {HTMLElement} root
   * @param {GradioPart} part
   */
  constructor(root, part) {
    const { name = "", group = "", selectable, most = "" } = root.dataset;
    this.#root = root;
    this.#part = part;
    this.#name = name;
    this.#chooser = h("input", { type: "file", accept: ACCEPT, "aria-label": say("Choose an image"), onchange: () => this.#take(picturesAmong(this.#chooser.files)) });
    this.#drop = h("label", { class: "drop" }, this.#chooser, h("b", {}, say("Drop an image, paste, or browse")),
      h("small", {}, say("PNG, JPEG, WebP, HEIC and others, up to {most}", { most })));
    this.#tools = h("p", { class: "picture-tools" },
      h("button", { type: "button", class: "replace", onclick: () => this.#chooser.click() }, say("Replace")),
      h("button", { type: "button", class: "remove", onclick: () => part.trigger("clear") }, say("Remove")));
    root.append(...(group ? [] : [this.#drop]), this.#frame, ...(group ? [] : [this.#tools]));
    this.#reports = new RegionReports((regions) => part.trigger("select", { regions, picture: this.#value.picture?.fingerprint ?? "" }));
    this.#canvas = new Canvas(this.#frame, {
      selectable: selectable === "yes", wheel: "scroll",
      onRegions: (regions) => this.#reports.send(regions), onMention: (target) => this.#tell(target),
      onFullResolution: ({ key }) => part.server.full_resolution_url?.(key) ?? Promise.resolve(null),
    });
    if (group) followGroup(this.#canvas, group);
    else {
      takeDrops(root, (files) => this.#take(files));
      takePastes(root, (files) => this.#take(files));
    }
    // Phrases of an answer elsewhere on the page light up their boxes here.
    document.addEventListener("vlm-mention", (event) => {
      const { canvas, index, on, from } = /** @type {CustomEvent} */ (event).detail;
      if (canvas === name && from !== "canvas") this.#canvas.highlight(on ? { layer: String(index) } : null);
    });
    part.watch("value", () => this.#show());
    this.#show();
  }

  #show() {
    this.#value = JSON.parse(this.#part.props.value || '{"picture": null, "mentions": []}');
    const { picture, mentions, regions } = this.#value;
    this.#root.hidden = !picture && Boolean(this.#root.dataset.group);
    this.#drop.hidden = Boolean(picture);
    this.#frame.hidden = this.#tools.hidden = !picture;
    if (picture) this.#frame.style.setProperty("--ratio", String(picture.width / picture.height));
    this.#canvas.show(picture && toPicture(picture));
    this.#canvas.layers = mentions.map(({ phrase, colour, dash, regions: found, confidence }, index) => ({
      id: String(index), phrase, colour, dash, visible: true,
      mentions: [{ phrase, colour, dash, confidence, kind: null, regions: found }],
    }));
    const replaced = this.#reports.receive(regions);
    if (replaced) this.#canvas.regions = replaced;
  }

  /** @param {Target | null} target */
  #tell(target) {
    const before = this.#mention;
    this.#mention = target && Number(target.layer);
    if (before === this.#mention) return;
    for (const [index, on] of /** @type {[number | null, boolean][]} */ ([[before, false], [this.#mention, true]])) {
      if (index === null) continue;
      document.dispatchEvent(new CustomEvent("vlm-mention", { detail: { canvas: this.#name, index, on, from: "canvas" } }));
    }
  }

  /** @param {File[]} files */
  async #take([file]) {
    if (!file) return;
    const { props, trigger, upload } = this.#part;
    if (file.size > props.largest) {
      trigger("upload", { too_large: file.size });
      return;
    }
    this.#root.classList.add("busy");
    try {
      trigger("upload", { path: (await upload(file)).path });
    } catch {
      trigger("upload", { failed: true });
    } finally {
      this.#root.classList.remove("busy");
      this.#chooser.value = "";
    }
  }
}

/**
 * @param {PictureValue} picture
 * @returns {Picture}
 */
const toPicture = ({ url, width, height, name, fingerprint }) => ({ key: fingerprint, url, width, height, name });
