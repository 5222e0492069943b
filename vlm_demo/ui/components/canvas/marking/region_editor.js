import { applyDrag, draftOf, inside, isOnPicture, LEAST_DRAG, nudgeRegion, smoothLine } from "./drag.js";
import { areaOf, boundsOf } from "../geometry/regions.js";
import { handleNear, regionNear } from "../geometry/hit_test.js";
import { UndoStack } from "./undo_stack.js";

/** @import { Drag } from "./drag.js" */
/** @import { Place, Region, Size, Tool } from "../types.js" */

/**
 * @typedef {"changed" | "added" | "deleted" | "cleared" | "undone" | "full" | "empty"} EditKind what happened: "full",
 *   there are too many regions already; "empty", what was drawn has no area
 */

/** Regions that may be marked on one picture, as in values/regions.py. */
export const MAX_REGIONS = 50;

/**
 * The regions that a person marks: added, moved, resized, deleted, and all of it undone. It knows numbers only;
 * `onDraw` draws.
 */
export class RegionEditor {
  /** @type {readonly Region[]} */
  regions = [];

  selected = -1;

  /** @type {Region | null} a region that is being drawn */
  draft = null;

  /** @type {Tool | null} */
  tool = null;

  /** @type {UndoStack<readonly Region[]>} */
  #history = new UndoStack();

  /** @type {Drag | null} */
  #drag = null;

  /**
   * @param {{most: number, onDraw: () => void, onEdit: (kind: EditKind, index: number) => void}} options how many
   *   regions there may be, what draws them, and what tells a person of a change
   */
  constructor({ most, onDraw, onEdit }) {
    this.most = most;
    this.onDraw = onDraw;
    this.onEdit = onEdit;
  }

  get isActive() {
    return this.#drag !== null;
  }

  get canUndo() {
    return this.#history.canUndo;
  }

  /**
   * Take other regions for those that are there; the person can undo it.
   *
   * @param {readonly Region[]} regions
   */
  replace(regions) {
    if (regions === this.regions || JSON.stringify(regions) === JSON.stringify(this.regions)) return;
    this.#drag = this.draft = null;
    this.#set(regions, -1);
  }

  /** Another picture: nothing of the old one stays. */
  forget() {
    this.#history.clear();
    this.#drag = this.draft = null;
    this.#show([], -1);
  }

  /** @param {number} index */
  select(index) {
    if (index !== this.selected) this.#show(this.regions, index);
  }

  /**
   * @param {Region} region
   * @returns {boolean} whether there was room for it
   */
  add(region) {
    if (this.regions.length >= this.most) {
      this.onDraw();
      this.onEdit("full", -1);
      return false;
    }
    this.#set([...this.regions, region], this.regions.length);
    this.onEdit("added", this.selected);
    return true;
  }

  /**
   * @param {number} index
   * @param {Region} region
   */
  change(index, region) {
    this.#set(this.regions.with(index, region), index);
    this.onEdit("changed", index);
  }

  /** @param {number} index */
  remove(index) {
    if (!this.regions[index]) return;
    this.#set(this.regions.toSpliced(index, 1), Math.min(index, this.regions.length - 2));
    this.onEdit("deleted", index);
  }

  clear() {
    if (!this.regions.length) return;
    this.#set([], -1);
    this.onEdit("cleared", -1);
  }

  undo() {
    this.#restore(this.#history.undo(this.regions));
  }

  redo() {
    this.#restore(this.#history.redo(this.regions));
  }

  /**
   * Move or resize a region by one step of an arrow key.
   *
   * @param {number} index
   * @param {Place} direction
   * @param {boolean} resizes its lower right corner
   */
  nudge(index, direction, resizes) {
    this.change(index, nudgeRegion(this.regions[index], direction, resizes));
  }

  /**
   * A pointer goes down. Say whether it marks, moves or resizes a region.
   *
   * @param {Place} at on the picture
   * @param {Place} pixel on the screen
   * @param {Size} size in which the picture is shown
   * @param {number} reach of the pointer, in pixels
   * @param {number} grabbed the region whose number was grabbed, or -1
   */
  begin(at, pixel, size, reach, grabbed = -1) {
    const place = inside(at);
    const start = { at: place, pixel, moved: false, line: [place] };
    const selected = this.regions[this.selected];
    const handle = selected && grabbed < 0 ? handleNear(selected, at, size, reach) : -1;
    const near = grabbed < 0 ? regionNear(this.regions, at, size, reach) : grabbed;
    if (handle >= 0) this.#drag = { ...start, kind: "resize", handle, region: selected };
    else if (near >= 0) {
      this.select(near);
      this.#drag = { ...start, kind: "move", region: this.regions[near] };
    } else if (this.tool && isOnPicture(at)) this.#drag = { ...start, kind: this.tool };
    return this.#drag !== null;
  }

  /**
   * @param {Place} at
   * @param {Place} pixel
   * @param {Size} size
   */
  move(at, [x, y], size) {
    const drag = this.#drag;
    if (!drag) return;
    const place = inside(at);
    drag.moved ||= Math.hypot(x - drag.pixel[0], y - drag.pixel[1]) >= LEAST_DRAG;
    if (!drag.moved) return;
    if (drag.region) this.regions = this.regions.with(this.selected, applyDrag(drag, at, size));
    else this.draft = draftOf(drag, place);
    this.onDraw();
  }

  /**
   * The pointer goes up. Say whether something was done; if not, it was a click.
   *
   * @param {Place} at
   * @param {Place} pixel
   * @param {Size} size
   */
  end(at, pixel, size) {
    this.move(at, pixel, size);
    const drag = this.#drag;
    const draft = this.draft;
    this.#drag = this.draft = null;
    if (!drag) return false;
    if (drag.region) {
      if (drag.moved) this.#finishChange(drag.region);
      return drag.moved;
    }
    if (drag.kind === "point") return this.add({ point: drag.at }) || true;
    if (!drag.moved) {
      this.select(-1);
      return false;
    }
    if (draft && areaOf(boundsOf(draft)) > 0) this.add(draft.polygon ? smoothLine(draft.polygon, size) : draft);
    else {
      this.onDraw();
      this.onEdit("empty", -1);
    }
    return true;
  }

  cancel() {
    const drag = this.#drag;
    if (drag?.region && this.regions[this.selected]) this.regions = this.regions.with(this.selected, drag.region);
    this.#drag = this.draft = null;
    this.onDraw();
  }

  /** @param {Region} before */
  #finishChange(before) {
    const after = this.regions;
    this.regions = after.with(this.selected, before);
    this.#set(after, this.selected);
    this.onEdit("changed", this.selected);
  }

  /**
   * @param {readonly Region[]} regions
   * @param {number} selected
   */
  #set(regions, selected) {
    this.#history.push(this.regions);
    this.#show(regions, selected);
  }

  /**
   * @param {readonly Region[]} regions
   * @param {number} selected
   */
  #show(regions, selected) {
    this.regions = regions;
    this.selected = selected;
    this.onDraw();
  }

  /** @param {readonly Region[]} regions */
  #restore(regions) {
    if (regions === this.regions) return;
    this.#drag = this.draft = null;
    this.#show(regions, Math.min(this.selected, regions.length - 1));
    this.onEdit("undone", -1);
  }
}
