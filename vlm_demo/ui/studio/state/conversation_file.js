// The file of a conversation: JSON, with the bytes of its pictures as data addresses.
import { newAnswer, stopAnswer } from "./answers.js";
import { newConversation, newPicture } from "./conversations.js";
import { newId } from "./ids.js";

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").Picture} Picture */
/** @typedef {import("./types.js").Turn} Turn */
/** @typedef {import("./types.js").Answer} Answer */

const FORMAT = "vlm-demo conversation", VERSION = 2;
const TASKS = new Set(["chat", "caption", "detailed_caption", "grounded_caption", "vqa", "grounding", "detect", "describe_region", "read"]);
const MAX_ITEMS = 10_000;

/**
 * @param {Conversation} conversation
 * @param {(picture: Picture) => Promise<Blob | null>} load the bytes of a picture
 * @returns {Promise<string>}
 */
export async function writeFile(conversation, load) {
  const pictures = await Promise.all(conversation.pictures.map(async (picture) => {
    const { key, name, width, height, example } = picture, blob = await load(picture);
    return { key, name, width, height, example, data: blob ? await toDataUrl(blob) : null };
  }));
  const { title, created, changed, turns, shown, layers, shots } = conversation;
  return JSON.stringify({ format: FORMAT, version: VERSION, title, created, changed, turns, shown, layers, shots, pictures });
}

/**
 * Reads a file, which anybody may have written: whatever is not as it should be is left out.
 * @param {string} text
 * @returns {Conversation | null} null: it is no conversation
 */
export function readFile(text) {
  const data = parse(text);
  if (data?.format !== FORMAT || data.version !== VERSION || !Array.isArray(data.turns)) return null;
  const now = Date.now();
  return {
    ...newConversation(newId(), now), title: string(data.title), created: number(data.created) ?? now, changed: number(data.changed) ?? now,
    turns: list(data.turns).map(readTurn).filter((turn) => turn !== null), pictures: list(data.pictures).map(readPicture).filter((picture) => picture !== null),
    shown: string(data.shown) || null, layers: { hidden: strings(data.layers?.hidden), shown: strings(data.layers?.shown), deleted: strings(data.layers?.deleted), outlined: strings(data.layers?.outlined) },
    shots: list(data.shots).map((shot) => ({ text: string(shot?.text), answer: string(shot?.answer), pictures: strings(shot?.pictures) })),
  };
}

/**
 * Whether a file was written by the page before Studio; the server opens those.
 * @param {string} text
 */
export const isOfVersion1 = (text) => {
  const data = parse(text);
  return data?.format === FORMAT && data.version === 1;
};

/** @param {any} data @returns {Turn | null} */
function readTurn(data) {
  if (!data || !TASKS.has(data.task) || !string(data.id)) return null;
  return {
    id: string(data.id), task: data.task, text: string(data.text), targets: strings(data.targets), regions: list(data.regions).filter(isRegion), pictures: strings(data.pictures),
    options: {}, model: string(data.model), answers: list(data.answers).map(readAnswer), created: number(data.created) ?? 0, changed: number(data.changed) ?? 0,
  };
}

/** @param {any} data @returns {Answer} */
function readAnswer(data) {
  const changed = number(data?.changed) ?? 0, answer = newAnswer(string(data?.id) || newId(), string(data?.model), changed, strings(data?.pictures));
  const status = ["done", "failed", "stopped"].includes(data?.status) ? data.status : "growing";
  return stopAnswer({ ...answer, status, ...(data?.corrected === true && { corrected: true }), ...readWords(data ?? {}), ...readFindings(data ?? {}) }, changed);
}

/** @param {any} data @returns {Partial<Answer>} */
const readWords = ({ blocks, plain, raw, raws, reasoning, tone, stop, space, notes, outcome, problem }) => ({
  blocks: strings(blocks), plain: string(plain), raw: string(raw), reasoning: string(reasoning), tone: string(tone), raws: strings(raws), stop: string(stop), space: string(space),
  notes: list(notes).map(readTold), outcome: readTold(outcome), problem: problem ? { message: readTold(problem.message), remedies: [] } : null,
});

/** @param {any} data @returns {Partial<Answer>} */
const readFindings = ({ mentions, things, shares, timing }) => ({
  mentions: list(mentions).map(readMention), shares: list(shares).map((one) => ({ text: string(one?.text), share: number(one?.share) ?? 0 })),
  things: list(things).map((one) => ({ name: string(one?.name), state: string(one?.state), count: number(one?.count) ?? 0, mention: number(one?.mention) })),
  timing: timing && typeof timing === "object" ? Object.fromEntries(Object.entries(timing).filter(([, value]) => typeof value === "number")) : null,
});

/** @param {any} data @returns {import("./types.js").Mention} */
const readMention = (data) => ({
  phrase: string(data?.phrase), target: string(data?.target), span: null, image: number(data?.image) ?? 0, colour: "", dash: [],
  confidence: number(data?.confidence), kind: string(data?.kind) || null, regions: list(data?.regions).filter((region) => isRegion(region) && (!region.outline || isRegion(region.outline))),
});

/** @param {any} data @returns {Picture | null} */
function readPicture(data) {
  if (!string(data?.key)) return null;
  const blob = typeof data.data === "string" ? toBlob(data.data) : null;
  const picture = newPicture(data.key, { name: string(data.name), blob, example: string(data.example) || null, width: number(data.width) ?? 0, height: number(data.height) ?? 0 });
  return blob || picture.example ? picture : { ...picture, status: "gone" };
}

/** @param {any} data @returns {import("./types.js").ServerText} */
const readTold = (data) => (typeof data === "string" ? data : { words: string(data?.words), values: data?.values && typeof data.values === "object" ? data.values : {} });

/** @param {any} region */
const isRegion = (region) => isPoint(region?.point) || (isNumbers(region?.box) && region.box.length === 4) || (isRing(region?.polygon) && list(region.further_rings).every(isRing) && (region.further_rings ?? []).length <= MAX_ITEMS);
/** @param {any} value */
const isRing = (value) => Array.isArray(value) && value.length <= MAX_ITEMS && value.every(isPoint);
/** @param {any} value */
const isPoint = (value) => isNumbers(value) && value.length === 2;
/** @param {any} value */
const isNumbers = (value) => Array.isArray(value) && value.every((one) => number(one) !== null);
/** @param {any} value */
const string = (value) => (typeof value === "string" ? value : "");
/** @param {any} value @returns {number | null} */
const number = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);
/** @param {any} value @returns {any[]} */
const list = (value) => (Array.isArray(value) ? value.slice(0, MAX_ITEMS) : []);
/** @param {any} value @returns {string[]} */
const strings = (value) => list(value).filter((one) => typeof one === "string");

/** @param {string} text @returns {any} */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {Blob} blob @returns {Promise<string>} */
async function toDataUrl(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return `data:${blob.type};base64,${btoa(text)}`;
}

/** @param {string} address @returns {Blob | null} */
function toBlob(address) {
  const found = /^data:(image\/[\w.+-]+)?;base64,/.exec(address);
  if (!found || found[1] === "image/svg+xml") return null;
  try {
    const text = atob(address.slice(found[0].length));
    return new Blob([Uint8Array.from(text, (letter) => letter.charCodeAt(0))], { type: found[1] ?? "" });
  } catch {
    return null;
  }
}
