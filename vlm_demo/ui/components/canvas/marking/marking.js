import { MAX_REGIONS, RegionEditor } from "./region_editor.js";
import { RegionLayer } from "./region_layer.js";
import { describeEdit } from "./region_words.js";

/** @import { EditKind } from "./region_editor.js" */
/** @import { Messages } from "../messages.js" */
/** @import { PictureView } from "../picture_view.js" */
/** @import { Region } from "../types.js" */

/** What Enter marks, in the middle of the picture. @type {Record<"box" | "point", Region>} */
const MIDDLE = { box: { box: [0.3, 0.3, 0.7, 0.7] }, point: { point: [0.5, 0.5] } };

/** Marking regions on a picture: the editor, what draws it, and what tells of it. */
export class Marking {
  #view;
  #messages;
  #onDraw;
  #onRegions;

  /**
   * @param {PictureView} view
   * @param {{regions: SVGElement, tags: HTMLElement}} parts what it draws into
   * @param {Messages} messages
   * @param {() => void} onDraw
   * @param {(regions: readonly Region[]) => void} onRegions a person has changed them
   */
  constructor(view, parts, messages, onDraw, onRegions) {
    this.#view = view;
    this.#messages = messages;
    this.#onDraw = onDraw;
    this.#onRegions = onRegions;
    this.editor = new RegionEditor({
      most: MAX_REGIONS, onDraw: () => this.draw(), onEdit: (kind, index) => this.#tell(kind, index),
    });
    this.layer = new RegionLayer(view, this.editor, parts.regions, parts.tags);
  }

  draw() {
    this.layer.draw();
    this.#onDraw();
  }

  /**
   * @param {EditKind} kind
   * @param {number} index
   */
  #tell(kind, index) {
    const { picture } = this.#view;
    if (!picture) return;
    const words = describeEdit(kind, index, this.editor.regions, picture);
    const isTrouble = kind === "full" || kind === "empty";
    this.#messages.complain(isTrouble ? words : "");
    if (isTrouble) return;
    this.#messages.announce(words);
    this.#onRegions(this.editor.regions);
  }

  /** Give up what is being done, or choose no region. Say whether there was any. */
  escape() {
    if (this.editor.isActive) this.editor.cancel();
    else if (this.editor.selected < 0) return false;
    else {
      if (this.layer.hasFocus) this.#focusStage();
      this.editor.select(-1);
    }
    return true;
  }

  /** Delete the chosen region. Say whether there was one. */
  deleteSelected() {
    if (this.editor.selected < 0) return false;
    const hadFocus = this.layer.hasFocus;
    this.editor.remove(this.editor.selected);
    if (hadFocus && this.editor.regions.length) this.layer.focus(this.editor.selected);
    else if (hadFocus) this.#focusStage();
    return true;
  }

  addInMiddle() {
    const region = MIDDLE[this.editor.tool === "point" ? "point" : "box"];
    if (this.editor.add(region)) this.layer.focus(this.editor.regions.length - 1);
  }

  #focusStage() {
    this.#view.stage.focus({ preventScroll: true });
  }
}
