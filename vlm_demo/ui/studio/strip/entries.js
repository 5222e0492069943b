// What stands on the strip: each attached picture, and in place of a document, an animation or a film its pages or
// frames; and which of them go with the next question.
import { newPicture } from "../state/conversations.js";

/** @typedef {import("../state/types.js").Picture} Picture */
/** @typedef {import("../state/types.js").Conversation} Conversation */
/** @typedef {import("../state/types.js").Draft} Draft */

/**
 * @typedef {object} Entry
 * @property {string} key of the picture, which is only made once it is needed
 * @property {string} root key of the file that it is a page or frame of; its own where it is a picture
 * @property {number} frame from 0
 * @property {number} frames of the file
 * @property {import("../state/types.js").PictureKind} kind of the file
 * @property {number | null} time in seconds, of a frame
 * @property {string} name of the file
 * @property {boolean} isSelected
 */

/** Most pages of one document that are on the strip at a time. */
export const MAX_ENTRIES = 300;

/** @param {Picture} picture */
export const rootOf = ({ key, origin }) => origin ?? key;

/**
 * What a file is; conversations of earlier versions do not say it.
 * @param {Picture} picture
 */
export const kindOf = ({ kind, frames }) => kind ?? (frames > 1 ? "document" : "picture");

/**
 * @param {Pick<Conversation, "pictures">} conversation
 * @param {Pick<Draft, "pictures" | "left">} draft
 * @param {Map<string, number>} [first] by root: the page, from 0, with which the strip begins
 * @returns {Entry[]}
 */
export function entriesOf({ pictures }, { pictures: attached, left = [] }, first = new Map()) {
  const byKey = new Map(pictures.map((one) => [one.key, one])), selected = new Set(attached.filter((key) => !left.includes(key)));
  const frameKeys = new Map(pictures.filter(({ origin }) => origin).map((one) => [frameName(/** @type {string} */ (one.origin), one.frame ?? 0), one.key]));
  const roots = new Set(attached.map((key) => byKey.get(key)).filter((one) => one !== undefined).map(rootOf));
  return [...roots].flatMap((root) => {
    const file = byKey.get(root);
    if (!file) return [];
    const { frames, name, times = [] } = file, kind = kindOf(file), begin = first.get(root) ?? 0;
    const count = Math.min(frames, begin + MAX_ENTRIES) - begin;
    return Array.from({ length: Math.max(1, count) }, (_, index) => {
      const frame = begin + index, key = frame ? frameKeys.get(frameName(root, frame)) ?? frameName(root, frame) : root;
      return { key, root, frame, frames, kind, time: times[frame] ?? null, name, isSelected: selected.has(key) };
    });
  });
}

/** @param {string} root @param {number} frame */
const frameName = (root, frame) => `${root}#${frame}`;

/**
 * Draft in which exactly these entries go with the next question. Of each file with pages, one page does at least.
 * @param {Draft} draft
 * @param {readonly Entry[]} entries all of the strip
 * @param {Set<string>} keys
 * @returns {Draft}
 */
export function select(draft, entries, keys) {
  const pictures = [...new Set(entries.map(({ root }) => root))].flatMap((root) => {
    const own = entries.filter((one) => one.root === root);
    if (own[0].frames < 2) return [root];
    const chosen = own.filter(({ key }) => keys.has(key));
    return (chosen.length ? chosen : own.filter(({ isSelected }) => isSelected).slice(0, 1)).map(({ key }) => key);
  });
  const left = entries.filter(({ key, frames }) => frames < 2 && !keys.has(key)).map(({ key }) => key);
  return { ...draft, pictures: pictures.length ? pictures : draft.pictures, left };
}

/** @param {readonly Entry[]} entries */
export const selectedKeys = (entries) => new Set(entries.filter(({ isSelected }) => isSelected).map(({ key }) => key));

/**
 * The keys that are selected once one entry was clicked: a page takes the place of the one that was selected before;
 * where several are, and for pictures, nothing changes.
 * @param {readonly Entry[]} entries
 * @param {Entry} clicked
 */
export function afterClick(entries, clicked) {
  const keys = selectedKeys(entries), own = entries.filter(({ root }) => root === clicked.root);
  if (clicked.frames < 2 || own.filter(({ isSelected }) => isSelected).length > 1) return keys;
  for (const { key } of own) keys.delete(key);
  return keys.add(clicked.key);
}

/**
 * The keys that are selected with all entries between two of them.
 * @param {readonly Entry[]} entries
 * @param {string | null} from
 * @param {string} to
 */
export function afterRange(entries, from, to) {
  const ends = [entries.findIndex(({ key }) => key === from), entries.findIndex(({ key }) => key === to)];
  const [begin, end] = [Math.min(...ends.filter((at) => at >= 0)), Math.max(...ends)];
  return new Set([...selectedKeys(entries), ...entries.slice(begin, end + 1).map(({ key }) => key)]);
}

/**
 * A page or frame as a picture of its own, which the server takes out of the file once it needs it.
 * @param {Picture} file
 * @param {Entry} entry
 * @returns {Picture}
 */
export function pictureOf(file, { key, root, frame, frames, kind }) {
  if (!frame) return file;
  const stem = file.name.replace(/\.\w{1,5}$/, ""), word = kind === "document" ? "page" : "frame";
  return { ...newPicture(key, { name: `${stem}-${word}-${frame + 1}.png` }), kind, frames, times: file.times, origin: root, frame };
}
