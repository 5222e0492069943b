// The layers of a picture, made of the turns of its conversation: one for each thing that was looked for, and one for
// each phrase of the newest answer.
import { isBusy } from "./answers.js";

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").Answer} Answer */
/** @typedef {import("./types.js").Turn} Turn */
/** @typedef {import("./types.js").Mention} Mention */
/** @typedef {import("./types.js").Layer} Layer */
/** @typedef {{colours: string[], dashes: number[][]}} Palette */

/** Tasks that look for things; their layers stay until somebody hides them. */
export const FINDING = new Set(["grounding", "detect"]);

/**
 * Colour and dashes of a layer: when the colours start again, the dashes change.
 * @param {Palette} palette
 * @param {number} index
 */
export function lookOf({ colours, dashes }, index) {
  const dash = dashes[Math.floor(index / colours.length) % dashes.length];
  return { colour: colours[index % colours.length], dash };
}

/**
 * Returns the layers of a picture, oldest first.
 *
 * Colours count on from search to search, so that what is visible together looks different; those of other answers,
 * of which one is visible at a time, begin after the searches before them.
 *
 * @param {Conversation} conversation
 * @param {string | null} picture key of the picture; null: of all of them
 * @param {Palette} palette
 * @returns {Layer[]}
 */
export function deriveLayers(conversation, picture, palette) {
  const { hidden, shown, deleted, outlined = [] } = conversation.layers;
  const newest = newestAnswers(conversation.turns);
  /** @type {Layer[]} */
  const layers = [];
  let searched = 0;
  for (const turn of conversation.turns) {
    const finding = FINDING.has(turn.task);
    for (const answer of turn.answers) {
      const listed = finding || newest.has(answer.id) || shown.includes(answer.id);
      const parts = divide(answer, turn);
      parts.forEach((part, index) => {
        const id = `${turn.id}/${answer.id}/${part.key}`;
        if (deleted.includes(id)) return;
        const own = part.mentions.filter((at) => isOn(answer, answer.mentions[at], picture));
        if (part.mentions.length && !own.length) return;
        const look = lookOf(palette, searched + index);
        const isOutlined = outlined.includes(id);
        const mentions = own.map((at) => ({ ...answer.mentions[at], regions: seenRegions(answer.mentions[at], isOutlined), ...look, index: at }));
        layers.push({
          id, turn: turn.id, answer: answer.id, phrase: part.phrase, ...look, count: mentions.reduce((sum, one) => sum + one.regions.length, 0),
          listed, visible: listed && !hidden.includes(id), pending: isBusy(answer), found: part.found, mentions,
          outlined: isOutlined, outlinable: own.some((at) => answer.mentions[at].regions.some(({ polygon }) => !polygon)),
        });
      });
      if (finding) searched += parts.length;
    }
  }
  return layers;
}

/**
 * The regions of a mention as they are seen: outlines in the place of boxes where the layer shows them.
 * @param {Mention} mention
 * @param {boolean} isOutlined
 */
const seenRegions = ({ regions }, isOutlined) =>
  (isOutlined ? regions.map((region) => (region.outline ? { ...region.outline, confidence: region.confidence } : region)) : regions);

/**
 * Colour and dashes of each mention of an answer, as its layers have them.
 * @param {Layer[]} layers
 * @param {string} answer
 * @returns {Map<number, Layer>} by index of the mention
 */
export function layersOfMentions(layers, answer) {
  /** @type {Map<number, Layer>} */
  const found = new Map();
  for (const layer of layers.filter((one) => one.answer === answer)) for (const { index } of layer.mentions) found.set(index, layer);
  return found;
}

/** @param {Turn[]} turns */
function newestAnswers(turns) {
  const turn = turns.findLast(({ answers }) => answers.some(({ mentions }) => mentions.length)) ?? turns.at(-1);
  return new Set(turn ? turn.answers.map(({ id }) => id) : []);
}

/**
 * Tells whether a mention is on a picture. An answer that does not say which pictures it saw is about the shown one.
 * @param {Answer} answer
 * @param {Mention} mention
 * @param {string | null} picture
 */
const isOn = ({ pictures }, { image }, picture) => picture === null || !pictures.length || pictures[image] === picture;

/**
 * What was looked for through a film and is nowhere in it, once that is known.
 * @param {Answer} answer
 * @param {string[]} targets
 */
const missingFrom = ({ film, status }, targets) => (film && status === "done" ? targets.filter((name) => !film.tracks.some(({ label }) => label === name)) : []);

/**
 * Divides the mentions of an answer among layers: by what was looked for, or else by phrase.
 * @param {Answer} answer
 * @param {Turn} turn
 */
function divide(answer, turn) {
  /** @type {Map<string, {key: string, phrase: string, found: boolean, mentions: number[]}>} */
  const parts = new Map();
  const targets = turn.task === "grounding" ? turn.targets : [];
  // A search through a film has a layer for each track, and one for what was nowhere in it.
  const begin = (/** @type {string} */ phrase) => parts.set(phrase, { key: phrase, phrase, found: false, mentions: [] });
  if (!turn.film) targets.forEach(begin);
  answer.mentions.forEach((mention, index) => {
    if (!mention.regions.length) return;
    const phrase = mention.track ? mention.phrase : mention.target || (targets.length === 1 ? targets[0] : mention.phrase);
    const key = phrase || `#${index}`;
    const part = parts.get(key) ?? { key, phrase, found: true, mentions: [] };
    part.mentions.push(index);
    part.found = true;
    parts.set(key, part);
  });
  if (turn.film) missingFrom(answer, targets).forEach(begin);
  return [...parts.values()];
}
