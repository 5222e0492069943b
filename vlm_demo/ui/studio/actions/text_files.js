// An answer as a document: as it reads, as a page by itself, or as its model wrote it.
import { message } from "../../i18n/say.js";

/** @typedef {import("../state/types.js").Answer} Answer */
/** @typedef {{label: string, ending: string, type: string, text: string}} TextFile  with the English name of its form */

const DOCTAGS = /<doctag>/;

/**
 * The forms in which an answer can be kept as text; none before it has words.
 * @param {Pick<Answer, "plain"|"raw"|"blocks">} answer
 * @returns {TextFile[]}
 */
export function textFiles({ plain, raw, blocks }) {
  if (!plain.trim()) return [];
  const files = [
    { label: message("Text (Markdown)"), ending: "md", type: "text/markdown", text: `${plain.trimEnd()}\n` },
    { label: message("Page (HTML)"), ending: "html", type: "text/html", text: pageOf(blocks) },
  ];
  return DOCTAGS.test(raw) ? [...files, { label: message("DocTags as written"), ending: "doctags", type: "text/plain", text: raw }] : files;
}

/**
 * The blocks are HTML that the server has made safe; phrases with boxes become plain text.
 * @param {string[]} blocks
 */
function pageOf(blocks) {
  const body = blocks.join("\n").replace(/<\/?mark\b[^>]*>/g, "");
  return `<!doctype html>\n<meta charset="utf-8">\n<title></title>\n${body}\n`;
}
