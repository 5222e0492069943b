import { LEAST_DRAG } from "./marking/drag.js";
import { handleNear, regionNear } from "./geometry/hit_test.js";

/** @import { MentionLayer } from "./found/mention_layer.js" */
/** @import { PictureView } from "./picture_view.js" */
/** @import { RegionEditor } from "./marking/region_editor.js" */
/** @import { RegionLayer } from "./marking/region_layer.js" */
/** @import { Place, Target } from "./types.js" */

/** @type {Record<string, number>} pixels around a line or a handle */
const REACH = { mouse: 7, touch: 20, pen: 12 };
const CURSORS = ["nwse", "ns", "nesw", "ew", "nwse", "ns", "nesw", "ew"];

/**
 * @typedef {object} GestureParts
 * @property {PictureView} view
 * @property {MentionLayer} mentions
 * @property {RegionEditor} editor
 * @property {RegionLayer} regions
 * @property {"zoom" | "scroll"} wheel what the wheel does without Ctrl
 * @property {(target: Target | null) => void} onPoint a mention is pointed at
 * @property {(target: Target | null) => void} onTap a mention, or none, was tapped
 */

/**
 * What pointers do on the stage: two fingers zoom and move the picture; one marks a region, moves the picture if no
 * tool is chosen, or points at mentions.
 */
export class Gestures {
  #parts;

  /** @type {Map<number, Place>} where each finger is, in fractions of the stage */
  #fingers = new Map();

  /** @type {{pixel: Place, moved: boolean} | null} */
  #pressed = null;

  #panning = false;
  #space = false;

  /** @param {GestureParts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { stage } = parts.view;
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#up(event));
    stage.addEventListener("pointercancel", (event) => this.#up(event));
    stage.addEventListener("pointerleave", () => parts.onPoint(null));
    stage.addEventListener("dblclick", (event) => this.#toggle(event));
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("keydown", (event) => {
      stage.classList.remove("by-pointer");
      if (event.key !== " " || event.target !== stage) return;
      this.#hold(true);
      event.preventDefault();
    });
    stage.addEventListener("keyup", (event) => event.key === " " && this.#hold(false));
    stage.addEventListener("blur", () => this.#hold(false));
  }

  /** @param {boolean} isHeld the space bar, which moves the picture whatever tool is chosen */
  #hold(isHeld) {
    this.#space = isHeld;
    this.#parts.view.stage.classList.toggle("panning", isHeld);
  }

  /** @param {PointerEvent} event */
  #pans(event) {
    const { view, editor } = this.#parts;
    return event.button === 1 || this.#space || (view.view.scale > 1 && !editor.tool);
  }

  /** @param {PointerEvent} event */
  #down(event) {
    const { view, editor, regions } = this.#parts;
    if (event.button > 1 || (event.target instanceof Element && event.target.closest("button:not(.number)"))) return;
    this.#fingers.set(event.pointerId, view.onStage(event));
    let takes = false;
    if (this.#fingers.size === 1) {
      this.#pressed = { pixel: [event.clientX, event.clientY], moved: false };
      const grabbed = regions.ownerOf(event.target);
      takes = event.button === 0 && !this.#space && editor.begin(
        view.onPicture(event), this.#pressed.pixel, view.size, REACH[event.pointerType] ?? REACH.mouse, grabbed);
      this.#panning = !takes && this.#pans(event);
      if (grabbed < 0) {
        view.stage.classList.add("by-pointer");
        view.stage.focus({ preventScroll: true });
      }
      if (!takes && !this.#panning) return;
    } else {
      editor.cancel();
      this.#panning = true;
      this.#pressed = null;
    }
    view.stage.setPointerCapture(event.pointerId);
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { view, editor } = this.#parts;
    if (!this.#fingers.has(event.pointerId)) {
      if (event.pointerType !== "touch") this.#hover(event);
      return;
    }
    const before = [...this.#fingers.values()];
    this.#fingers.set(event.pointerId, view.onStage(event));
    const now = [...this.#fingers.values()];
    const pressed = this.#pressed;
    if (pressed && Math.hypot(event.clientX - pressed.pixel[0], event.clientY - pressed.pixel[1]) >= LEAST_DRAG)
      {pressed.moved = true;}
    const [x, y] = middle(now);
    const [oldX, oldY] = middle(before);
    if (this.#panning && view.view.scale > 1) view.pan(x - oldX, y - oldY);
    if (now.length > 1) view.zoom(this.#spread(now) / this.#spread(before), [x, y]);
    else editor.move(view.onPicture(event), [event.clientX, event.clientY], view.size);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (!this.#fingers.delete(event.pointerId)) return;
    const { view, editor, mentions, regions, onTap } = this.#parts;
    const at = view.onPicture(event);
    const click = event.type === "pointerup" && this.#pressed && !this.#pressed.moved && !this.#panning;
    const grabbed = regions.ownerOf(event.target);
    if (event.type === "pointercancel") editor.cancel();
    else if (!this.#fingers.size) {
      const done = editor.isActive && editor.end(at, [event.clientX, event.clientY], view.size);
      if (click && !done) {
        if (grabbed >= 0) regions.focus(grabbed);
        else onTap(mentions.at(at));
      }
    }
    if (!this.#fingers.size) {
      this.#panning = false;
      this.#pressed = null;
    }
  }

  /** @param {PointerEvent} event */
  #hover(event) {
    const { view, editor, mentions, onPoint } = this.#parts;
    const at = view.onPicture(event);
    const isOn = at.every((fraction) => fraction >= 0 && fraction <= 1);
    const cursor = isOn ? this.#cursorAt(at) : "";
    const target = isOn && !cursor ? mentions.at(at) : null;
    view.stage.style.cursor = cursor || (target && !editor.tool ? "pointer" : "");
    onPoint(target);
  }

  /** @param {Place} at */
  #cursorAt(at) {
    const { view, editor } = this.#parts;
    const selected = editor.regions[editor.selected];
    const handle = selected ? handleNear(selected, at, view.size, REACH.mouse) : -1;
    if (handle >= 0) return `${CURSORS[handle]}-resize`;
    return regionNear(editor.regions, at, view.size, REACH.mouse) >= 0 ? "move" : "";
  }

  /** @param {MouseEvent} event */
  #toggle(event) {
    const { view, editor, regions } = this.#parts;
    if (regions.ownerOf(event.target) >= 0 || editor.tool === "point") return;
    if (view.view.scale > 1) view.fit();
    else view.zoom(3, view.onStage(event));
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    const { view, wheel } = this.#parts;
    if (wheel !== "zoom" && !event.ctrlKey) return; // Ctrl is set also for a pinch on a touchpad
    event.preventDefault();
    const { clientWidth, clientHeight } = view.stage;
    if (event.shiftKey && !event.ctrlKey) view.pan(-(event.deltaX + event.deltaY) / clientWidth, 0);
    else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) view.pan(-event.deltaX / clientWidth, -event.deltaY / clientHeight);
    else view.zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 200 : 400)), view.onStage(event));
  }

  /** @param {Place[]} points */
  #spread([a, b]) {
    const { clientWidth, clientHeight } = this.#parts.view.stage;
    return b ? Math.hypot((a[0] - b[0]) * clientWidth, (a[1] - b[1]) * clientHeight) || 1 : 1;
  }
}

/**
 * @param {Place[]} points
 * @returns {Place}
 */
function middle(points) {
  const [x, y] = points.reduce(([sumX, sumY], point) => [sumX + point[0], sumY + point[1]], [0, 0]);
  return [x / points.length, y / points.length];
}
