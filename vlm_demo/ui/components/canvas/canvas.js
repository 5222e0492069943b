import { h } from "../dom.js";
import { MentionLayer } from "./found/mention_layer.js";
import { boundsOf } from "./geometry/regions.js";
import { Gestures } from "./gestures.js";
import { takeDrops } from "./incoming_files.js";
import { Keyboard } from "./keyboard.js";
import { CoordinateTable } from "./marking/coordinate_table.js";
import { Marking } from "./marking/marking.js";
import { Messages } from "./messages.js";
import { PictureView } from "./picture_view.js";
import { buildStage } from "./stage.js";
import { TablePanel } from "./table_panel.js";
import { Toolbar } from "./toolbar.js";

/** @import { Command } from "./hot_keys.js" */
/** @import { ToolbarAction } from "./toolbar.js" */
/** @import { CanvasOptions, Layer, Picture, Region, Target, Tool, View } from "./types.js" */

const STEP = 1.4; // of the zoom
const FAR = 0.1; // of the stage, by an arrow key

/** A picture that fills its host, with the regions of answers and those that a person marks. */
export class Canvas {
  #options;
  #toolbar;
  #view;
  #editor;
  #marking;
  #panel;
  #root;
  #mentions;

  /** @type {readonly Layer[]} */
  #layers = [];

  /** @type {Target | null} what a person tapped, and stays highlighted */
  #pinned = null;

  /** @type {Target | null} */
  #pointed = null;

  #messages = new Messages();
  #followsOther = false;

  /** A person zooms or moves the picture. @type {(view: View) => void} */
  onView = () => {};

  /**
   * @param {HTMLElement} host
   * @param {CanvasOptions} [options]
   */
  constructor(host, options = {}) {
    const { selectable = false } = options;
    const parts = buildStage(selectable);
    this.#options = options;
    this.#toolbar = new Toolbar(selectable, (action) => this.#act(action));
    this.#view = new PictureView(parts.stage, parts.sheet, parts.image, {
      onLook: () => this.#look(), onFullResolution: options.onFullResolution ?? null,
    });
    this.#marking = new Marking(
      this.#view, parts, this.#messages, () => this.#drawMarks(), (regions) => options.onRegions?.(regions));
    this.#editor = this.#marking.editor;
    const coordinates = selectable ? new CoordinateTable(this.#editor, (words) => this.#messages.complain(words)) : null;
    this.#panel = new TablePanel(coordinates, () => this.#toggleTables());
    this.#root = h("div", { class: "picture-canvas" },
      h("div", { class: "window" }, this.#toolbar.element, parts.stage, this.#panel.element, this.#messages.trouble), this.#messages.said);
    this.#mentions = new MentionLayer(this.#view, this.#root, parts.overlay, parts.labels);
    new Gestures({
      view: this.#view, mentions: this.#mentions, editor: this.#editor, regions: this.#marking.layer,
      wheel: options.wheel ?? "zoom", onPoint: (target) => this.#point(target), onTap: (target) => this.#tap(target),
    });
    new Keyboard(this.#root, parts.stage, (command) => this.#obey(command), (across, down) => this.#pan(across, down));
    if (options.onFiles) takeDrops(host, options.onFiles);
    host.append(this.#root);
    if (selectable) this.tool = "box";
    this.show(null);
  }

  /**
   * Show a picture. With another one, the regions of the old one go, and the whole of it is shown.
   *
   * @param {Picture | null} picture
   */
  show(picture) {
    const isOther = picture?.key !== this.#view.picture?.key;
    this.#root.hidden = !picture;
    this.#view.show(picture);
    if (!isOther) return;
    this.#editor.forget();
    this.#messages.complain("");
    this.#pinned = this.#pointed = null;
    this.highlight(null);
  }

  get picture() { return this.#view.picture; }

  /** What is drawn, those in front are labelled first; those that are not visible are left out. */
  get layers() { return this.#layers; }

  set layers(layers) {
    this.#layers = layers;
    this.#mentions.draw(layers);
    this.#drawTables();
  }

  /** Draws layers that move: their labels are placed at once. @param {readonly Layer[]} layers */
  drawMoving(layers) {
    this.layers = layers;
    this.#mentions.placeLabels();
  }

  /** What a person marked, in the order of its numbers. */
  get regions() { return this.#editor.regions; }

  set regions(regions) {
    this.#editor.replace(regions);
  }

  /** @returns {Tool | null} what a drag or a click marks; null: nothing, it moves the picture */
  get tool() {
    return this.#editor.tool;
  }

  set tool(tool) {
    this.#editor.tool = tool;
    this.#view.stage.dataset.tool = tool ?? "";
    this.#toolbar.choose(tool);
  }

  get view() { return this.#view.view; }

  /** Look at the same part of the picture as another canvas does. */
  set view(view) {
    this.#followsOther = true;
    this.#view.look(view);
    this.#followsOther = false;
  }

  /**
   * Make the boxes of a layer, or of one of its mentions, stand out; null: those that a person tapped.
   *
   * @param {Target | null} target
   */
  highlight(target) {
    this.#mentions.highlight(target ?? this.#pinned);
  }

  /**
   * Zoom to a region.
   *
   * @param {Region} region
   */
  reveal(region) {
    this.#view.reveal(boundsOf(region));
  }

  undo() {
    this.#editor.undo();
  }

  fit() {
    this.#view.fit();
  }

  /** Highlight no longer what a person tapped. Say whether there was anything. */
  #unpin() {
    if (!this.#pinned) return false;
    this.#tap(this.#pinned);
    return true;
  }

  /** @param {ToolbarAction} action */
  #act(action) {
    if (action === "undo") this.undo();
    else if (action === "in") this.#view.zoom(STEP);
    else if (action === "out") this.#view.zoom(1 / STEP);
    else if (action === "fit") this.fit();
    else if (action === "table") this.#toggleTables();
    else this.tool = action === "none" ? null : action;
  }

  #toggleTables() {
    const isOpen = !this.#panel.isOpen;
    this.#panel.toggle(isOpen);
    this.#toolbar.expand(isOpen);
    this.#drawTables();
  }

  #drawTables() {
    this.#toolbar.tabled(Boolean(this.#options.selectable) || this.#layers.some(({ mentions }) => mentions.length));
    this.#panel.draw(this.#layers, this.picture);
  }

  #drawMarks() {
    this.#toolbar.undoable(this.#editor.canUndo);
    this.#drawTables();
  }

  #look() {
    this.#mentions.arrange();
    this.#marking.layer.draw();
    this.#toolbar.zoom(this.#view.view.scale);
    if (!this.#followsOther) this.onView(this.#view.view);
  }

  /** @param {Target | null} target */
  #point(target) {
    if (target?.layer === this.#pointed?.layer && target?.mention === this.#pointed?.mention) return;
    this.#pointed = target;
    this.highlight(target);
    this.#options.onMention?.(target);
  }

  /** @param {Target | null} target */
  #tap(target) {
    const isSame = target?.layer === this.#pinned?.layer && target?.mention === this.#pinned?.mention;
    this.#pinned = isSame ? null : target;
    this.highlight(null);
    this.#options.onMention?.(isSame ? null : target);
  }

  /**
   * @param {Command} command
   * @returns {boolean} whether there was something to do
   */
  #obey(command) {
    const marking = this.#marking;
    if (command === "in" || command === "out" || command === "fit") this.#act(command);
    else if (command === "escape") return marking.escape() || this.#unpin();
    else if (!this.#options.selectable) return false;
    else if (command === "none") this.tool = null;
    else if (command === "undo") this.undo();
    else if (command === "redo") this.#editor.redo();
    else if (command === "add") marking.addInMiddle();
    else if (command === "delete") return marking.deleteSelected();
    else this.tool = command;
    return true;
  }

  /**
   * @param {number} across
   * @param {number} down
   */
  #pan(across, down) {
    if (this.#view.view.scale <= 1) return false;
    this.#view.pan(across * FAR, down * FAR);
    return true;
  }
}
