import { Viewport, WHOLE } from "./geometry/viewport.js";

/** @import { Bounds, Picture, Place, Size } from "./types.js" */
/** @import { View } from "./geometry/viewport.js" */

const ASK_AFTER = 150; // milliseconds without a change of the zoom, before the full resolution is asked for
const COARSE = 1.05; // more pixels of the screen than of the copy

/**
 * @typedef {object} PictureViewOptions
 * @property {() => void} onLook another part of the picture is shown
 * @property {((picture: Picture) => Promise<string | null>) | null} [onFullResolution] gives the address of the picture
 *   with all its pixels, when those of the copy can be seen
 */

/** A picture on a stage that shows a part of it: zoomed, moved, sharpened when it is looked at closely. */
export class PictureView {
  /** @type {Picture | null} */
  picture = null;

  /** @type {View} */
  view = WHOLE;

  #options;
  #asked = new Set();
  #asking = 0;

  /**
   * @param {HTMLElement} stage the window that one looks through
   * @param {HTMLElement} sheet the picture with all that is drawn on it
   * @param {HTMLImageElement} image
   * @param {PictureViewOptions} options
   */
  constructor(stage, sheet, image, options) {
    this.stage = stage;
    this.sheet = sheet;
    this.image = image;
    this.#options = options;
    new ResizeObserver(() => this.look(this.view)).observe(stage);
  }

  /** @param {Picture | null} picture */
  show(picture) {
    const isOther = picture?.key !== this.picture?.key;
    const isSharp = !isOther && this.#asked.has(picture?.key);
    this.picture = picture;
    if (picture && !isSharp && this.image.getAttribute("src") !== picture.url) this.image.src = picture.url;
    if (!picture) this.image.removeAttribute("src");
    this.image.alt = picture?.name ?? "";
    if (isOther) this.#asked.clear();
    this.look(isOther ? WHOLE : this.view);
  }

  /** @returns {Viewport | null} null while nothing is to be seen */
  get viewport() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    return width && height && this.picture ? new Viewport([width, height], [this.picture.width, this.picture.height]) : null;
  }

  /**
   * Size of the whole picture as it is magnified now.
   *
   * @returns {Size}
   */
  get size() {
    const frame = this.viewport?.frame(this.view);
    return frame ? [frame.width, frame.height] : [1, 1];
  }

  /**
   * The part of the sheet that is seen, in its pixels.
   *
   * @returns {Bounds}
   */
  get seen() {
    const frame = this.viewport?.frame(this.view);
    if (!frame) return [0, 0, 0, 0];
    const { clientWidth, clientHeight } = this.stage;
    return [-frame.left, -frame.top, clientWidth - frame.left, clientHeight - frame.top];
  }

  /** @param {View} wanted */
  look(wanted) {
    const { viewport } = this;
    if (!viewport) return;
    this.view = viewport.limit(wanted);
    const { left, top, width, height } = viewport.frame(this.view);
    Object.assign(this.sheet.style, {
      width: `${width}px`, height: `${height}px`, transform: `translate(${left}px, ${top}px)`,
    });
    this.stage.classList.toggle("zoomed", this.view.scale > 1);
    this.#options.onLook();
    clearTimeout(this.#asking);
    this.#asking = window.setTimeout(() => this.#sharpen(width), ASK_AFTER);
  }

  /**
   * @param {number} factor
   * @param {Place} [place] that stays where it is, in fractions of the stage
   */
  zoom(factor, place) {
    const { viewport } = this;
    if (viewport) this.look(viewport.zoom(this.view, factor, place));
  }

  /**
   * @param {number} across in fractions of the stage
   * @param {number} down
   */
  pan(across, down) {
    const { viewport } = this;
    if (viewport) this.look(viewport.pan(this.view, across, down));
  }

  fit() {
    this.look(WHOLE);
  }

  /** @param {Bounds} part */
  reveal(part) {
    const { viewport } = this;
    if (viewport) this.look(viewport.show(part));
  }

  /**
   * Fractions of the stage at which a pointer is.
   *
   * @param {{clientX: number, clientY: number}} event
   */
  onStage(event) {
    return share(this.stage, event);
  }

  /**
   * Fractions of the picture at which a pointer is; outside of it they are less than 0 or more than 1.
   *
   * @param {{clientX: number, clientY: number}} event
   */
  onPicture(event) {
    return share(this.sheet, event);
  }

  /** @param {number} width in which the picture is shown */
  async #sharpen(width) {
    const { picture, image } = this;
    const ask = this.#options.onFullResolution;
    const isCoarse = image.naturalWidth && width * devicePixelRatio > image.naturalWidth * COARSE;
    if (!picture || !ask || !isCoarse || image.naturalWidth >= picture.width || this.#asked.has(picture.key)) return;
    this.#asked.add(picture.key);
    try {
      const url = await ask(picture);
      if (!url) return;
      const sharp = new Image();
      sharp.src = url;
      await sharp.decode();
      if (this.picture?.key === picture.key) image.src = url;
    } catch (error) {
      console.warn("The full resolution did not come.", error);
    }
  }
}

/**
 * @param {HTMLElement} element
 * @param {{clientX: number, clientY: number}} event
 * @returns {Place}
 */
function share(element, event) {
  const frame = element.getBoundingClientRect();
  return [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
}
