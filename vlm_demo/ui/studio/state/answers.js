// Answers as they grow: pure functions from an answer and events of the protocol to the next answer.
import { message } from "../../i18n/say.js";
import { mentionsOf } from "../film/tracks.js";

/** @typedef {import("./types.js").Answer} Answer */
/** @typedef {import("./types.js").Problem} Problem */

/**
 * Makes an answer for which nothing has come yet.
 * @param {string} id
 * @param {string} model
 * @param {number} now
 * @param {string[]} [pictures] keys of all pictures of the request, in its order
 * @returns {Answer}
 */
export const newAnswer = (id, model, now, pictures = []) => ({
  id, model, status: "waiting", changed: now, blocks: [], plain: "", raw: "", reasoning: "", mentions: [], things: [], shares: [], orders: [],
  notes: [], remedies: [], tone: "", waiting: null, timing: null, outcome: "", raws: [], stop: "", space: "", spaceChoices: [], pictures, problem: null, rating: null,
  earlier: [], version: 1,
});

/** @param {Answer} answer */
export const isBusy = (answer) => answer.status === "waiting" || answer.status === "growing";

/**
 * Tells whether an answer holds anything that a person would miss.
 * @param {Answer} answer
 */
export const hasContent = ({ blocks, reasoning, mentions, things, shares, plain }) =>
  Boolean(blocks.length || reasoning || mentions.length || things.length || shares.length || plain);

/**
 * Tells whether a model has ended without a word, and nothing says why.
 * @param {Answer} answer
 */
export const isEmptyAnswer = (answer) => answer.status === "done" && !hasContent(answer) && !answer.outcome && !answer.notes.length;

/**
 * Keeps the first items of a list and puts others in the place of the rest.
 * @template T
 * @param {T[]} items
 * @param {number} keep
 * @param {T[]} [rest]
 */
const splice = (items, keep, rest) => [...items.slice(0, Math.max(0, keep ?? 0)), ...(rest ?? [])];

/**
 * How each event changes an answer. What a server sends that this page does not know is left out.
 * @type {Record<string, (answer: Answer, event: any) => Partial<Answer>>}
 */
const CHANGES = {
  waiting: (_, { text, stage, share }) => ({ waiting: { text, stage, share: share ?? null } }),
  text: (answer, { keep, blocks }) => ({ status: "growing", waiting: null, blocks: splice(answer.blocks, keep, blocks) }),
  notes: (_, { items }) => ({ notes: items ?? [] }),
  reasoning: (_, { text }) => ({ status: "growing", waiting: null, reasoning: text }),
  mentions: (answer, { keep, items }) => ({ status: "growing", waiting: null, mentions: splice(answer.mentions, keep, items) }),
  things: (_, { items }) => ({ things: items ?? [] }),
  shares: (_, { items, orders }) => ({ waiting: null, shares: items ?? [], orders: orders ?? [] }),
  done: (_, event) => ({
    status: event.stop === "cancelled" ? "stopped" : "done", waiting: null, tone: event.tone ?? "", notes: event.notes ?? [], remedies: event.remedies ?? [], raw: event.raw ?? "", plain: event.plain ?? "",
    answeredBy: event.model ?? "", stop: event.stop ?? "", timing: event.timing ?? null, outcome: event.outcome ?? "", raws: event.raws ?? [], space: event.space ?? "", spaceChoices: event.space_choices ?? [],
  }),
  film: (answer, { frames, tracks, total }) => ({
    status: "growing", waiting: { text: { words: message("Looking through the video: {done} of {total} frames"), values: { done: frames.length, total } }, stage: "", share: frames.length / total },
    film: { root: answer.film?.root ?? "", frames, tracks, total }, mentions: mentionsOf(tracks, frames),
  }),
  failed: (_, { message: told, remedies }) => ({ status: "failed", waiting: null, problem: { message: told, remedies: remedies ?? [] } }),
};

/**
 * Applies events to an answer that is not complete yet; nothing changes one that is.
 * @param {Answer} answer
 * @param {any} events a list of events of the protocol; anything else changes nothing
 * @param {number} now
 * @returns {Answer}
 */
export function applyEvents(answer, events, now) {
  let next = answer;
  for (const event of Array.isArray(events) ? events : []) {
    const change = Object.hasOwn(CHANGES, event?.type) && CHANGES[event.type];
    if (change && isBusy(next)) next = { ...next, ...change(next, event), changed: now };
  }
  return next;
}

/**
 * Ends an answer that nothing more comes for: because a person stopped it, or the page was closed.
 * @param {Answer} answer
 * @param {number} now
 * @returns {Answer}
 */
export const stopAnswer = (answer, now) =>
  isBusy(answer) ? { ...answer, status: "stopped", waiting: null, plain: answer.plain, changed: now } : answer;

/**
 * Ends an answer with what went wrong; what was written stays.
 * @param {Answer} answer
 * @param {Problem} problem
 * @param {number} now
 * @returns {Answer}
 */
export const failAnswer = (answer, problem, now) =>
  isBusy(answer) ? { ...answer, status: "failed", waiting: null, problem, changed: now } : answer;

/**
 * Puts a new answer in the place of another, which stays within reach.
 * @param {Answer} old
 * @param {Answer} fresh
 * @returns {Answer}
 */
export function renewAnswer(old, fresh) {
  if (!hasContent(old)) return { ...fresh, earlier: old.earlier, version: old.version };
  const versions = versionsOf(old);
  const version = Math.max(...versions.map((one) => one.version)) + 1;
  return { ...fresh, earlier: versions, version };
}

/**
 * Returns all versions of an answer, oldest first, each without the others.
 * @param {Answer} answer
 * @returns {Answer[]}
 */
export const versionsOf = (answer) =>
  [...answer.earlier, { ...answer, earlier: [] }].sort((one, other) => one.version - other.version);

/**
 * Shows another version of an answer.
 * @param {Answer} answer
 * @param {number} step 1: the next, -1: the one before
 * @param {number} now
 * @returns {Answer}
 */
export function showVersion(answer, step, now) {
  const versions = versionsOf(answer);
  const at = versions.findIndex(({ id }) => id === answer.id) + step;
  if (at < 0 || at >= versions.length) return answer;
  return { ...versions[at], earlier: versions.filter((_, index) => index !== at), changed: now };
}
