// What else can be done with an answer.
import { openView } from "../../header/views.js";
import { message, say } from "../../i18n/say.js";
import { call } from "../api/call.js";
import { icon } from "../icons.js";
import { hasContent } from "../state/answers.js";
import { changeAnswer } from "../state/conversations.js";
import { buildRequest } from "../state/requests.js";
import { copyText } from "./copy.js";
import { downloadItems, exportAnswer, withPictures } from "./download.js";
import { filmItems } from "../film/downloads.js";
import { LINK } from "../archive/links.js";
import { openFlag } from "./flag.js";
import { openScore } from "./score.js";

/** Longest question and reply, in characters, that are sent with a report. */
const LONGEST = 20_000;

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Answer} Answer */
/** @typedef {import("../state/types.js").Turn} Turn */
/** @typedef {import("../../components/popover.js").MenuItem} MenuItem */

/**
 * @param {Studio} studio
 * @param {string} id of the turn
 * @param {Answer} answer
 * @param {HTMLElement} extra where something opens below the answer
 * @returns {MenuItem[]}
 */
export function moreItems(studio, id, answer, extra) {
  const turn = studio.store.get().conversation.turns.find((one) => one.id === id);
  if (!turn) return [];
  const boxes = answer.mentions.some(({ regions }) => regions.length), picture = turn.pictures.length > 0 || answer.pictures.length > 0;
  const rate = (/** @type {"up" | "down"} */ verdict) => void sendRating(studio, turn, answer, verdict, "");
  const chosen = answer.rating?.verdict;
  return [
    { label: say("Copy link"), icon: icon("link"), hint: say("Asks this again, without the image"), act: () => void copyLink(studio, turn, answer) },
    ...(picture && hasContent(answer) ? [{ label: say("Download as…"), icon: icon("download"), children: answer.film ? filmItems(studio, answer) : downloadItems(studio, id, answer) }] : []),
    { label: say("Raw output and prompt"), icon: icon("code"), act: () => studio.openDrawer("inspector", { turn: id, answer: answer.id }) },
    ...(boxes ? [{ label: say("Ask with numbered marks"), icon: icon("marks"), act: () => void askWithMarks(studio, id, answer) }] : []),
    ...(turn.text && answer.plain ? [{ label: say("Use as few-shot example"), icon: icon("example"), act: () => useAsExample(studio, turn, answer) }] : []),
    ...(picture ? [{ label: say("Score against ground truth"), icon: icon("score"), act: () => openScore(studio, id, answer, extra) }] : []),
    { label: say("Run on many images"), icon: icon("batch"), act: () => runOnMany(turn, answer) },
    null,
    { label: say("Good answer"), icon: icon("up"), checked: chosen === "up", data: { rate: "up" }, act: () => rate("up") },
    { label: say("Bad answer"), icon: icon("thumbdown"), checked: chosen === "down", data: { rate: "down" }, act: () => rate("down") },
    { label: say("Report…"), icon: icon("flag"), checked: chosen === "flag", data: { rate: "flag" }, act: () => openFlag(extra, (reason) => sendRating(studio, turn, answer, "flag", reason)) },
    null,
    { label: say("Delete this turn"), icon: icon("trash"), act: () => studio.asking.delete(id) },
  ];
}

/**
 * @param {Studio} studio
 * @param {Turn} turn
 * @param {Answer} answer
 */
async function copyLink(studio, turn, answer) {
  try {
    const request = buildRequest(studio.store.get().conversation, turn, answer.model), history = request.history.map((one) => ({ ...one, images: [] }));
    const { code } = await withPictures(studio, answer.pictures.slice(-1), (images) => call("studio_permalink", ["encode", { ...request, history, images }]));
    const link = new URL(`?${LINK}=${code}`, studio.address("")).href;
    const done = await copyText(link);
    studio.notify({ id: "link", text: done ? message("Link copied.") : link });
  } catch (error) {
    studio.report(error);
  }
}

/**
 * @param {Studio} studio
 * @param {string} turn
 * @param {Answer} answer
 */
async function askWithMarks(studio, turn, answer) {
  try {
    const { url, name } = await exportAnswer(studio, turn, answer, "marks");
    const blob = await (await fetch(studio.address(url))).blob();
    studio.addFiles([new File([blob], name, { type: blob.type })]);
    studio.focusComposer();
  } catch (error) {
    studio.report(error);
  }
}

/**
 * @param {Studio} studio
 * @param {Turn} turn
 * @param {Answer} answer
 */
function useAsExample(studio, turn, answer) {
  studio.addShot({ text: turn.text, answer: answer.raw || answer.plain, pictures: turn.pictures });
  studio.notify({ id: "shot", text: message("Added to the few-shot examples, in the options.") });
}

/**
 * Hands the task and settings of a turn to the form of Batch.
 * @param {Turn} turn
 * @param {Answer} answer
 */
function runOnMany({ task, text, targets, options }, { model }) {
  const settings = { task, text: targets.length ? targets.join(", ") : text, model, options };
  openView("batch");
  // The form is built when its view is first shown.
  const tell = (/** @type {number} */ left) => {
    if (document.querySelector("#batch-turn span")) document.dispatchEvent(new CustomEvent("vlm-batch", { detail: settings }));
    else if (left) setTimeout(tell, 100, left - 1);
  };
  setTimeout(tell, 300, 50);
}

/**
 * @param {Studio} studio
 * @param {Turn} turn
 * @param {Answer} answer
 * @param {"up" | "down" | "flag"} verdict
 * @param {string} reason
 */
async function sendRating(studio, turn, answer, verdict, reason) {
  try {
    const words = verdict === "flag" ? { question: (turn.text || turn.targets.join(", ")).slice(0, LONGEST), reply: (answer.raw || answer.plain).slice(0, LONGEST) } : {};
    await call("studio_feedback", [{ turn: answer.id, model: answer.model, task: turn.task, verdict, reason, ...words }]);
    studio.store.update((state) => ({ ...state, conversation: changeAnswer(state.conversation, turn.id, answer.id, (one) => ({ ...one, rating: { verdict, reason } }), Date.now()) }));
    studio.notify({ id: "rating", text: message("Thank you. Your rating is kept without your name.") });
  } catch (error) {
    studio.report(error);
  }
}
