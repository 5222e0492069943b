// Files of what was found through a film.
import { message, say } from "../../i18n/say.js";
import { call } from "../api/call.js";
import { offerFile, withPictures } from "../actions/download.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Answer} Answer */

/** @type {[format: string, label: string][]} */
const FORMATS = [
  ["film", message("Video with boxes")], ["coco", message("COCO, an image for each frame")], ["mot", message("Tracks (MOT)")], ["csv", message("Table (CSV)")],
];

/**
 * @param {Studio} studio
 * @param {Answer} answer
 */
export const filmItems = (studio, answer) => FORMATS.map(([format, label]) => ({ label: say(label), data: { format }, act: () => void saveTracks(studio, answer, format) }));

/**
 * @param {Studio} studio
 * @param {Answer} answer
 * @param {string} format
 */
export async function saveTracks(studio, { film }, format) {
  if (!film) return;
  try {
    offerFile(await withPictures(studio, [film.root], ([image]) => call("studio_track_export", [format, { image, frames: film.frames, tracks: film.tracks }])));
  } catch (error) {
    studio.report(error);
  }
}
