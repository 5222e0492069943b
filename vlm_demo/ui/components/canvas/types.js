/**
 * What a canvas shows and takes. Coordinates are fractions of the picture, from its upper left corner.
 *
 * @typedef {[x: number, y: number]} Place
 * @typedef {[x1: number, y1: number, x2: number, y2: number]} Bounds
 * @typedef {{box: Bounds, point?: undefined, polygon?: undefined}} BoxRegion
 * @typedef {{point: Place, box?: undefined, polygon?: undefined}} PointRegion
 * @typedef {{polygon: Place[], further_rings?: Place[][], box?: undefined, point?: undefined}} PolygonRegion further rings
 *   are holes, and parts that lie apart: what is inside is told by the even-odd rule
 * @typedef {BoxRegion | PointRegion | PolygonRegion} Region
 *
 * @typedef {"token probability" | "calibrated" | null} ScoreKind
 * @typedef {Region & {confidence?: number | null}} FoundRegion a region of an answer; `confidence` is 0 to 1
 * @typedef {object} Mention a phrase of an answer and its regions
 * @property {string} phrase
 * @property {number} [index] which mention of its answer it is
 * @property {FoundRegion[]} regions
 * @property {string} colour as CSS writes it
 * @property {number[]} dash lengths of its lines and gaps, in widths of the line; empty: a solid line
 * @property {number | null} [confidence] 0 to 1
 * @property {ScoreKind} [kind] what its confidence counts
 *
 * @typedef {object} Layer the regions of one thing that was looked for, or of one phrase
 * @property {string} id
 * @property {string} phrase
 * @property {string} colour
 * @property {number[]} dash
 * @property {boolean} visible
 * @property {Mention[]} mentions
 *
 * @typedef {object} Picture
 * @property {string} key tells it from every other picture
 * @property {string} url
 * @property {number} width in pixels of the original
 * @property {number} height
 * @property {string} name
 *
 * @typedef {"box" | "point" | "scribble"} Tool what a drag or a click marks
 * @typedef {[width: number, height: number]} Size in pixels of the screen, unless said otherwise
 */
/**
 * @typedef {{layer: string, mention?: number}} Target a layer, or which of its mentions, from 0
 * @typedef {import("./geometry/viewport.js").View} View
 *
 * @typedef {object} CanvasOptions
 * @property {boolean} [selectable] people can mark regions
 * @property {"zoom" | "scroll"} [wheel] what the wheel does without Ctrl: it zooms, or scrolls the page
 * @property {(files: File[]) => void} [onFiles] pictures are dropped here
 * @property {(regions: readonly Region[]) => void} [onRegions] a person has changed the regions
 * @property {(target: Target | null) => void} [onMention] a mention is pointed at or tapped, or no longer
 * @property {(picture: Picture) => Promise<string | null>} [onFullResolution] gives the address of the picture with all
 *   its pixels
 */

export {};
