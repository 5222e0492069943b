// What is sent for a turn.

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").Turn} Turn */
/** @typedef {import("./types.js").Options} Options */

const SAMPLING = /** @type {const} */ (["max_new_tokens", "temperature", "top_p", "top_k", "repetition_penalty", "seed", "thinking"]);

/** Tasks that are about a picture, and cannot do without one. */
export const PICTURE_TASKS = new Set(["caption", "detailed_caption", "grounded_caption", "vqa", "grounding", "detect", "describe_region", "read"]);

/** Tasks whose answers are places in one picture. */
const ONE_PICTURE_TASKS = new Set(["grounding", "detect", "grounded_caption", "describe_region"]);

/**
 * Returns the request for an answer to a turn, with keys of pictures in place of their ids on the server.
 *
 * @param {Conversation} conversation
 * @param {Turn} turn one of the conversation, or one that comes after its turns
 * @param {string} model
 * @param {string} [space] coordinate space in which the numbers are read; "": as the family says
 * @param {{raw: string, raws: string[]} | null} [earlier] what the model wrote, which is only read again
 */
export function buildRequest(conversation, turn, model, space = "", earlier = null) {
  const { options } = turn, choices = turn.task === "vqa" ? options.choices ?? [] : [];
  const history = turn.task === "chat" && !turn.part ? historyOf(conversation, turn) : [];
  /** @type {Record<string, unknown>} */
  const sampling = {};
  for (const name of SAMPLING) if (options[name] !== undefined) sampling[name] = options[name];
  return {
    turn: turn.id, model, task: turn.task, text: turn.text, targets: turn.targets, images: turn.pictures, regions: turn.regions.map(bare),
    region_form: options.region_form ?? "auto", history, system: options.system ?? "", choices,
    test_orders: choices.length > 0 && Boolean(options.test_orders), pattern: options.pattern ?? "", schema: options.schema ?? "",
    sampling, space: space || (options.space ?? ""), ...(earlier ? { earlier } : {}),
  };
}

/**
 * Keys of all pictures of a request, in the order in which its mentions count them.
 * @param {{images: string[], history: {images: string[]}[]}} request
 */
export const picturesOf = ({ images, history }) => [...history.flatMap((one) => one.images), ...images];

/**
 * Puts the ids of pictures on the server in place of their keys.
 * @template {{images: string[], history: {images: string[]}[]}} R
 * @param {R} request
 * @param {Map<string, string>} ids by key
 * @returns {R}
 */
export function nameImages(request, ids) {
  const named = (/** @type {string[]} */ keys) => keys.map((key) => ids.get(key) ?? key);
  return { ...request, images: named(request.images), history: request.history.map((one) => ({ ...one, images: named(one.images) })) };
}

/**
 * Which pictures go with a new turn.
 *
 * In a chat, those that its earlier turns have not shown yet, as the model still sees them; with regions, the one
 * that they are on goes again, as the newest. What is looked for is looked for in the picture on the canvas; so is
 * everything by a model that sees fewer pictures at a time than are attached.
 *
 * @param {Conversation} conversation
 * @param {string[]} attached
 * @param {{task: string, regions: unknown[], before?: string | null, most?: number}} turn `before`: id of the turn that it
 *   replaces; `most`: how many pictures the model sees at a time
 */
export function choosePictures(conversation, attached, { task, regions, before = null, most = Infinity }) {
  const shown = attached.find((key) => key === conversation.shown) ?? attached.at(-1);
  const single = shown && (ONE_PICTURE_TASKS.has(task) || attached.length > most || (task !== "chat" && regions.length > 0));
  if (task !== "chat") return single ? [shown] : attached;
  const turns = before ? conversation.turns.slice(0, conversation.turns.findIndex(({ id }) => id === before)) : conversation.turns;
  const seen = new Set(turns.filter(isPast).flatMap(({ pictures }) => pictures));
  const fresh = (single ? [shown] : attached).filter((key) => !seen.has(key) && !(regions.length && key === shown));
  return regions.length && shown ? [...fresh, shown] : fresh;
}

/**
 * The pictures of each turn that a question becomes: mostly one turn. About several pictures, a model that sees fewer at a
 * time is asked in turn - but about one film by frames of it -, and so is one that looks for things on several pages, or that a person wants to be asked so.
 *
 * @param {Conversation} conversation
 * @param {string[]} attached
 * @param {{task: string, regions: unknown[], before?: string | null, most?: number, inTurn?: boolean}} turn
 * @returns {string[][]}
 */
export function chooseGroups(conversation, attached, turn) {
  const { task, regions, most = Infinity, inTurn = false } = turn, isSingle = ONE_PICTURE_TASKS.has(task);
  const spread = inTurn || isSingle ? null : spreadFrames(conversation, attached, most);
  if (spread) return [choosePictures(conversation, spread, turn)];
  const pages = conversation.pictures.filter(({ key, frames }) => frames > 1 && attached.includes(key)).length;
  const asksEach = attached.length > 1 && !regions.length && (inTurn || (isSingle ? pages > 1 : attached.length > most));
  return asksEach ? attached.map((key) => [key]) : [choosePictures(conversation, attached, turn)];
}

/**
 * As many frames as a model sees at a time, evenly spaced, in place of more; null: they are not frames of one film, or few.
 * @param {Conversation} conversation
 * @param {string[]} attached
 * @param {number} most
 */
export function spreadFrames({ pictures }, attached, most) {
  if (most < 2 || attached.length <= most) return null;
  const byKey = new Map(pictures.map((one) => [one.key, one])), files = new Set(attached.map((key) => byKey.get(key)?.origin ?? key));
  const [root] = files;
  if (files.size > 1 || byKey.get(root)?.kind !== "film") return null;
  return Array.from({ length: most }, (_, index) => attached[Math.round((index * (attached.length - 1)) / (most - 1))]);
}

/**
 * Few-shot examples, then the chat so far.
 * @param {Conversation} conversation
 * @param {Turn} turn
 */
function historyOf({ turns, shots }, turn) {
  const end = turns.findIndex(({ id }) => id === turn.id);
  const past = (end < 0 ? turns : turns.slice(0, end)).filter(isPast);
  return [
    ...shots.map(({ text, answer, pictures }) => ({ text, raw: answer, images: pictures, regions: [] })),
    ...past.map(({ text, answers, pictures, regions }) => ({ text, raw: rawOf(answers[0]), images: pictures, regions: regions.map(bare) })),
  ];
}

/**
 * Tells whether a turn belongs to the history of a chat: it has an answer that ended, and stood for itself.
 * @param {Turn} turn
 */
const isPast = ({ task, answers, part }) => task === "chat" && !part && answers.length > 0 && (answers[0].status === "done" || (answers[0].status === "stopped" && Boolean(rawOf(answers[0]))));

/** @param {import("./types.js").Answer} answer */
const rawOf = ({ raw, plain }) => raw || plain;

/**
 * A region as a request has it, without what the page notes about it.
 * @param {import("./types.js").Region} region
 */
export function bare({ box, point, polygon, further_rings }) {
  return box ? { box } : point ? { point } : { polygon, ...(further_rings && { further_rings }) };
}
