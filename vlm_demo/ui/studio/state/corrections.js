// Answers that a person has corrected: pure functions.
import { applyEvents, newAnswer, renewAnswer } from "./answers.js";

/** @typedef {import("./types.js").Answer} Answer */
/** @typedef {import("./types.js").Mention} Mention */
/** What a check says of a phrase. @typedef {{phrase: string, verdict: string, denied?: boolean, regions: import("./types.js").Region[]}} Finding */

/**
 * The phrases of a checked answer that stay: those that were confirmed, with the boxes that were found, and those that
 * were not looked for, with their own.
 * @param {Answer} answer
 * @param {Finding[]} findings
 * @returns {Pick<Mention, "phrase" | "target" | "image" | "regions">[]}
 */
export function mentionsToKeep({ mentions, pictures }, findings) {
  const image = Math.max(0, pictures.length - 1);
  const confirmed = findings.filter(({ verdict, denied, regions }) => verdict === "supported" && !denied && regions.length > 0);
  const named = (/** @type {string} */ words) => findings.some(({ phrase }) => words.toLowerCase().includes(phrase.toLowerCase()));
  return [
    ...confirmed.map(({ phrase, regions }) => ({ phrase, target: "", image, regions })),
    ...mentions.filter(({ phrase }) => !named(phrase)),
  ];
}

/**
 * Puts a corrected answer in the place of another, which stays within reach as its earlier version.
 * @param {Answer} old
 * @param {string} id of the new one
 * @param {{text: string, events: any[], note: import("./types.js").ServerText}} corrected `events` as of an answer, without its end
 * @param {number} now
 * @returns {Answer}
 */
export function correctAnswer(old, id, { text, events, note }, now) {
  const fresh = applyEvents(newAnswer(id, old.model, now, old.pictures), [...events, { type: "done", plain: text, notes: [note] }], now);
  return { ...renewAnswer(old, fresh), corrected: true };
}
