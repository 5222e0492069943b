// A conversation as one file, with its pictures in it; such a file opens read-only.
import { message } from "../../i18n/say.js";
import { h } from "../../components/dom.js";
import { titleOf } from "../state/conversations.js";
import { readFile, writeFile } from "../state/conversation_file.js";

/** @typedef {import("../studio.js").Studio} Studio */

/** @param {Studio} studio */
export async function exportConversation(studio) {
  const { conversation } = studio.store.get();
  try {
    const text = await writeFile(conversation, async (picture) => picture.blob ?? await studio.loadBlob(picture.key) ?? await fetchBlob(studio.pictures.url(picture)));
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    const name = titleOf(conversation).replace(/[^\p{L}\p{N} _-]+/gu, "").trim().slice(0, 60) || "conversation";
    h("a", { href: url, download: `${name}.json` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    studio.report(error);
  }
}

/**
 * @param {Studio} studio
 * @param {import("./archive.js").Archive} archive
 * @param {File} file
 */
export async function importConversation(studio, archive, file) {
  const conversation = readFile(await file.text());
  if (!conversation) {
    studio.notify({ id: "error", text: message("This file is not a conversation of this page.") });
    return;
  }
  archive.show(conversation, { readOnly: true });
}

/** @param {string} url */
async function fetchBlob(url) {
  if (!url) return null;
  const response = await fetch(url).catch(() => null);
  return response?.ok ? response.blob() : null;
}
