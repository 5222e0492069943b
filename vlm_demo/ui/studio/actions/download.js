// Files of an answer: the picture with its boxes by one click, and other formats from a menu.
import { h } from "../../components/dom.js";
import { message, say } from "../../i18n/say.js";
import { addressOf, call } from "../api/call.js";
import { Explained } from "../api/errors.js";
import { saveText } from "../archive/files.js";
import { documentOf } from "../state/documents.js";
import { textFiles } from "./text_files.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Answer} Answer */

/** Formats with their English names. @type {[format: string, label: string][]} */
const FORMATS = [
  ["png", message("Image with boxes (PNG)")], ["marks", message("Image with numbers (PNG)")], ["svg", message("Drawing (SVG)")], ["json", message("JSON")], ["coco", message("COCO")], ["yolo", message("YOLO (ZIP)")],
  ["voc", message("Pascal VOC")], ["csv", message("Table (CSV)")], ["crops", message("Crops (ZIP)")], ["cutout", message("Cut-out (PNG)")],
];

/**
 * @param {Studio} studio
 * @param {string} turn
 * @param {Answer} answer
 */
export const downloadItems = (studio, turn, answer) => [
  ...FORMATS.map(([format, label]) => ({ label: say(label), data: { format }, act: () => void saveAs(studio, turn, answer, format) })),
  ...textFiles(answer).map(({ label, ending, type, text }) => ({
    label: say(label), data: { format: ending }, act: () => saveText(studio.store.get().conversation, text, ending, type),
  })),
];

/**
 * @param {Studio} studio
 * @param {string} turn
 * @param {Answer} answer
 * @param {string} format
 */
export async function saveAs(studio, turn, answer, format) {
  try {
    const { url, name } = await exportAnswer(studio, turn, answer, format);
    offerFile({ url, name });
  } catch (error) {
    studio.report(error);
  }
}

/**
 * Has the browser keep a file of the server.
 * @param {{url: string, name: string}} file
 */
export const offerFile = ({ url, name }) => h("a", { href: addressOf(url), download: name }).click();

/**
 * Asks the server for a file; a picture that it has forgotten is sent again first.
 * @param {Studio} studio
 * @param {string} turn
 * @param {Answer} answer
 * @param {string} format
 * @returns {Promise<any>}
 */
export function exportAnswer(studio, turn, answer, format) {
  return withPictures(studio, answer.pictures, (images) => call("studio_export", [format, [documentOf(studio.store.get().conversation, turn, answer, images, studio.layers())]]));
}

/**
 * Calls with the ids of pictures on the server, once more where it has forgotten one.
 * @template T
 * @param {Studio} studio
 * @param {string[]} keys
 * @param {(images: string[]) => Promise<T>} act
 * @returns {Promise<T>}
 */
export async function withPictures(studio, keys, act) {
  const named = async () => {
    const ids = await studio.pictures.ids(keys);
    return keys.map((key) => ids.get(key) ?? "");
  };
  try {
    return await act(await named());
  } catch (error) {
    if (!(error instanceof Explained) || !error.imageGone) throw error;
    studio.pictures.forget(keys);
    return act(await named());
  }
}
