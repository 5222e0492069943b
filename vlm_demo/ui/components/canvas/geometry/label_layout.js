// Where the labels of regions go, so that they do not cover each other. rendering/label_layout.py does the same for
// drawn pictures: change both together.

/** @import { Bounds, Place, Size } from "../types.js" */

/**
 * @typedef {object} LabelItem
 * @property {Bounds} box of the region, in pixels
 * @property {(Size | null)[]} sizes of the label, the one that is liked best first; null: not this one
 *
 * @typedef {{x: number, y: number, size: number}} LabelSpot where its upper left corner goes, and which of its sizes
 */

/**
 * Places labels one by one. Whoever comes first is served first, so that labels do not jump while more regions come.
 */
export class LabelPlacer {
  #frame;

  /** @type {Bounds[]} */
  #taken = [];

  /** @param {Bounds} frame the box that labels stay in, in pixels */
  constructor(frame) {
    this.#frame = frame;
  }

  /**
   * Return where a label goes; null: its region is not in the frame. The last size is taken at the first spot, over
   * others, where no size fits.
   *
   * @param {LabelItem} item
   * @returns {LabelSpot | null}
   */
  place({ box, sizes }) {
    const [left, top, right, bottom] = this.#frame;
    if (box[0] > right || box[2] < left || box[1] > bottom || box[3] < top) return null;
    for (const [size, extent] of sizes.entries()) {
      const spot = extent && this.#free(box, extent);
      if (spot) {
        this.#taken.push(spot);
        return { x: spot[0], y: spot[1], size };
      }
    }
    const size = sizes.length - 1;
    const [width, height] = sizes[size] ?? [0, 0];
    return {
      x: Math.max(left, Math.min(box[0], right - width)),
      y: Math.max(top, Math.min(box[1], bottom - height)),
      size,
    };
  }

  /**
   * @param {Bounds} box
   * @param {Size} extent
   * @returns {Bounds | undefined}
   */
  #free(box, [width, height]) {
    const [left, top, right, bottom] = this.#frame;
    return spotsFor(box, [width, height])
      .map(([x, y]) => {
        const inFrame = Math.max(left, Math.min(x, right - width));
        return /** @type {Bounds} */ ([inFrame, y, inFrame + width, y + height]);
      })
      .find((spot) => spot[0] >= left && spot[1] >= top && spot[2] <= right && spot[3] <= bottom
        && !this.#taken.some((other) => overlap(spot, other)));
  }
}

/**
 * @param {LabelItem[]} items
 * @param {Bounds} frame
 */
export function placeLabels(items, frame) {
  const placer = new LabelPlacer(frame);
  return items.map((item) => placer.place(item));
}

/**
 * @param {Bounds} one
 * @param {Bounds} other
 */
const overlap = (one, other) => one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];

/**
 * Above and below the box at its left and right edge, inside its corners, beside it, in its middle.
 *
 * @param {Bounds} box
 * @param {Size} extent
 * @returns {Place[]}
 */
function spotsFor([x1, y1, x2, y2], [width, height]) {
  const right = x2 - width;
  const bottom = y2 - height;
  return [
    [x1, y1 - height], [x1, y1], [x1, y2], [right, y1 - height], [right, y1], [x1, bottom],
    [right, bottom], [right, y2], [x2, y1], [x1 - width, y1], [(x1 + x2 - width) / 2, (y1 + y2 - height) / 2],
  ];
}
