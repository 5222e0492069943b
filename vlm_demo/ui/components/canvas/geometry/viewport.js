// Which part of a picture a stage shows. A view magnifies the picture `scale` times, relative to the size at which it
// fits, with its fractions `x` and `y` at the upper left corner of the stage.

/** @import { Place, Size } from "../types.js" */
/** @typedef {{scale: number, x: number, y: number}} View */
/** @typedef {{left: number, top: number, width: number, height: number}} Frame in pixels of the stage */

/** @type {View} */
export const WHOLE = { scale: 1, x: 0, y: 0 };

const FAR_ENOUGH = 8; // large pictures zoom in further, until a pixel of theirs is two pixels wide

/**
 * Where a shared part of the picture starts: in the middle where there is room left.
 *
 * @param {number} start
 * @param {number} share
 */
const within = (start, share) => (share >= 1 ? (1 - share) / 2 : Math.min(1 - share, Math.max(0, start)));

export class Viewport {
  /**
   * @param {Size} stage in pixels of the screen
   * @param {Size} picture in its own pixels
   */
  constructor(stage, picture) {
    this.stage = stage;
    this.picture = picture;
    /** Pixels of the screen for one of the picture when the whole is shown. */
    this.fit = Math.min(stage[0] / picture[0], stage[1] / picture[1]);
    this.largestScale = Math.max(FAR_ENOUGH, 2 / this.fit);
  }

  /**
   * Shares of the picture that fit on the stage, across and down; more than 1: there is room left.
   *
   * @param {number} scale
   * @returns {Size}
   */
  #shares(scale) {
    const size = this.fit * scale;
    return [this.stage[0] / (this.picture[0] * size), this.stage[1] / (this.picture[1] * size)];
  }

  /**
   * The nearest view that shows no more empty room than it has to.
   *
   * @param {View} view
   * @returns {View}
   */
  limit({ scale: wanted, x, y }) {
    const scale = Math.min(this.largestScale, Math.max(1, wanted));
    const [across, down] = this.#shares(scale);
    return { scale, x: within(x, across), y: within(y, down) };
  }

  /**
   * Where the picture lies on the stage.
   *
   * @param {View} view
   * @returns {Frame}
   */
  frame({ scale, x, y }) {
    const width = this.picture[0] * this.fit * scale;
    const height = this.picture[1] * this.fit * scale;
    return { left: 0 - x * width, top: 0 - y * height, width, height };
  }

  /**
   * Magnify around a place of the stage, which stays where it is.
   *
   * @param {View} view
   * @param {number} factor
   * @param {Place} [place] in fractions of the stage
   */
  zoom(view, factor, [left, top] = [0.5, 0.5]) {
    const scale = Math.min(this.largestScale, Math.max(1, view.scale * factor));
    const before = this.#shares(view.scale);
    const after = this.#shares(scale);
    return this.limit({
      scale,
      x: view.x + left * (before[0] - after[0]),
      y: view.y + top * (before[1] - after[1]),
    });
  }

  /**
   * Move the picture by fractions of the stage.
   *
   * @param {View} view
   * @param {number} across
   * @param {number} down
   */
  pan(view, across, down) {
    const [width, height] = this.#shares(view.scale);
    return this.limit({ ...view, x: view.x - across * width, y: view.y - down * height });
  }

  /**
   * The view that shows a part of the picture with some room around it, magnified no further than needed.
   *
   * @param {import("../types.js").Bounds} part
   */
  show([x1, y1, x2, y2]) {
    const [across, down] = this.#shares(1);
    const room = 0.5; // of the stage is for what lies around
    const scale = Math.min(FAR_ENOUGH, (across * room) / Math.max(1e-6, x2 - x1), (down * room) / Math.max(1e-6, y2 - y1));
    const [width, height] = this.#shares(Math.max(1, scale));
    return this.limit({ scale, x: (x1 + x2 - width) / 2, y: (y1 + y2 - height) / 2 });
  }
}
