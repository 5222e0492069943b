// A conversation as one file, with its pictures in it; such a file opens read-only.
import { message } from "../../i18n/say.js";
import { h } from "../../components/dom.js";
import { titleOf } from "../state/conversations.js";
import { call } from "../api/call.js";
import { isOfVersion1, readFile, writeFile } from "../state/conversation_file.js";

/** @typedef {import("../studio.js").Studio} Studio */

/** @param {Studio} studio */
export async function exportConversation(studio) {
  const { conversation } = studio.store.get();
  try {
    const text = await writeFile(conversation, async (picture) => picture.blob ?? await studio.loadBlob(picture.key) ?? await fetchBlob(studio.pictures.url(picture)));
    saveText(conversation, text, "json", "application/json");
  } catch (error) {
    studio.report(error);
  }
}

/** @param {Studio} studio */
export async function exportMarkdown(studio) {
  const { conversation } = studio.store.get(), names = new Map(conversation.pictures.map(({ key, name }) => [key, name]));
  const turns = conversation.turns.map(({ task, text, targets, regions, pictures, answers }) => ({
    task, text, targets, regions, pictures: pictures.map((key) => names.get(key) ?? ""),
    answers: answers.map(({ model, plain, mentions }) => ({ model, plain, mentions })),
  }));
  try {
    const { markdown } = await call("studio_conversation", ["markdown", { turns }]);
    saveText(conversation, markdown, "md", "text/markdown");
  } catch (error) {
    studio.report(error);
  }
}

/**
 * Has the browser keep a text as a file that is named after a conversation.
 * @param {import("../state/types.js").Conversation} conversation
 * @param {string} text
 * @param {string} ending
 * @param {string} type
 */
export function saveText(conversation, text, ending, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const name = titleOf(conversation).replace(/[^\p{L}\p{N} _-]+/gu, "").trim().slice(0, 60) || "conversation";
  h("a", { href: url, download: `${name}.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/**
 * @param {Studio} studio
 * @param {import("./archive.js").Archive} archive
 * @param {File} file
 */
export async function importConversation(studio, archive, file) {
  const text = await file.text();
  const conversation = readFile(isOfVersion1(text) ? await upgrade(studio, text) : text);
  if (!conversation) {
    studio.notify({ id: "error", text: message("This file is not a conversation of this page.") });
    return;
  }
  await archive.showFile(conversation);
}

/**
 * @param {Studio} studio
 * @param {string} text of a file that the page before Studio wrote
 * @returns {Promise<string>} "": it cannot be opened, which the page has said
 */
async function upgrade(studio, text) {
  try {
    const { conversation } = await call("studio_conversation", ["open", text]);
    return JSON.stringify(conversation);
  } catch (error) {
    studio.report(error);
    return "";
  }
}

/** @param {string} url */
async function fetchBlob(url) {
  if (!url) return null;
  const response = await fetch(url).catch(() => null);
  return response?.ok ? response.blob() : null;
}
