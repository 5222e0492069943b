// The options of a request: which there are, what they may be, and how many a person has changed.

/** @typedef {import("../state/types.js").Options} Options */

/**
 * @typedef {{name: keyof Options, label: string, hint: string, kind: "number" | "whole" | "text" | "long" | "lines" | "switch" | "choice",
 *   least?: number, most?: number, step?: number, choices?: [value: string, label: string][]}} Option
 */

/** Options in the order in which they are shown, with their English words. @type {Option[]} */
export const OPTIONS = [
  { name: "max_new_tokens", label: "Max tokens", hint: "The answer stops there; a token is about ¾ of a word", kind: "whole", least: 1, most: 8192, step: 1 },
  { name: "temperature", label: "Temperature", hint: "0 = deterministic", kind: "number", least: 0, most: 2, step: 0.05 },
  { name: "top_p", label: "Top p", hint: "Nucleus sampling", kind: "number", least: 0.05, most: 1, step: 0.05 },
  { name: "top_k", label: "Top k", hint: "Draw from the k most likely tokens; 0 = from all", kind: "whole", least: 0, most: 1000, step: 1 },
  { name: "repetition_penalty", label: "Repetition penalty", hint: "Above 1 discourages repetition", kind: "number", least: 1, most: 2, step: 0.05 },
  { name: "seed", label: "Seed", hint: "The same seed draws the same words", kind: "whole", least: 0, most: Number.MAX_SAFE_INTEGER, step: 1 },
  { name: "thinking", label: "Reasoning", hint: "Thinking first takes longer; it is shown folded above the answer", kind: "choice", choices: [["", "Model default"], ["true", "Think first"], ["false", "Answer at once"]] },
  { name: "visual_tokens", label: "Image resolution", hint: "More visual tokens show more detail and take longer", kind: "choice", choices: [["", "Model default"]] },
  { name: "region_form", label: "Marked regions", hint: "How regions reach the model", kind: "choice", choices: [["", "Automatic"], ["words", "As coordinates"], ["marks", "As numbered marks"], ["crops", "As crops"]] },
  { name: "choices", label: "Possible answers", hint: "One a line; with Ask, the model says how probable each is", kind: "lines" },
  { name: "test_orders", label: "Test option order", hint: "Repeats the question with the options rotated", kind: "switch" },
  { name: "pattern", label: "Pattern", hint: "A regular expression that the whole answer must match", kind: "text" },
  { name: "schema", label: "JSON schema", hint: "The answer is JSON that is valid by it", kind: "long" },
  { name: "system", label: "System prompt", hint: "Said to the model before everything else", kind: "long" },
];

/**
 * Returns the options with one of them changed; a value that stands for the model's own takes it out.
 * @param {Options} options
 * @param {string} name
 * @param {any} value undefined, null, "", an empty list and an unchecked box stand for the model's own
 * @returns {Options}
 */
export function changeOption(options, name, value) {
  const next = /** @type {any} */ ({ ...options });
  const own = (value ?? "") === "" || (Array.isArray(value) && !value.length) || (name === "test_orders" && value === false);
  if (own) delete next[name];
  else next[name] = value;
  return next;
}

/**
 * How many options differ from the model's own.
 * @param {Options} options
 */
export const countChanged = (options) => Object.keys(options).length;

/**
 * Reads what is in the field of an option.
 * @param {Option} option
 * @param {string} text
 * @returns {{value: any} | {problem: string, values: Record<string, number>}}
 */
export function readOption(option, text) {
  const words = text.trim();
  if (!words) return { value: "" };
  if (option.kind === "number" || option.kind === "whole") return readNumber(option, words);
  if (option.kind === "lines") return { value: readChoices(text) };
  if (option.name === "schema" && !isJson(words)) return { problem: "This is not JSON.", values: {} };
  if (option.name === "thinking") return { value: words === "true" };
  return { value: option.name === "visual_tokens" ? Number(words) : words };
}

/**
 * @param {Option} option
 * @param {string} words
 */
function readNumber({ kind, least = -Infinity, most = Infinity }, words) {
  const value = Number(words);
  if (value >= least && value <= most && (kind === "number" || Number.isInteger(value))) return { value };
  return { problem: kind === "whole" ? "A whole number from {least} to {most}." : "A number from {least} to {most}.", values: { least, most } };
}

/**
 * Reads possible answers: one a line, or in one line between commas.
 * @param {string} text
 */
export function readChoices(text) {
  const lines = text.trim().split(/\r?\n/);
  const parts = lines.length > 1 ? lines : text.split(/[,，、]/);
  return [...new Set(parts.map((part) => part.trim()).filter(Boolean))];
}

/**
 * What a person may not expect of their options, as English sentences.
 * @param {Options} options
 * @returns {string[]}
 */
export function findHints({ temperature = -1, top_p: topP = 1, seed, repetition_penalty: penalty = 1, max_new_tokens: tokens = 99 }) {
  const hints = [];
  if (temperature === 0 && (topP < 1 || seed !== undefined)) hints.push("At temperature 0 the most likely word is always taken, so top p and the seed change nothing.");
  if (temperature > 1) hints.push("Above a temperature of 1, answers wander off, and boxes often go wrong.");
  if (penalty > 1.2) hints.push("A repetition penalty this high also suppresses repeated numbers, such as coordinates.");
  if (tokens < 32) hints.push("With so few tokens, answers stop in the middle of a sentence.");
  return hints;
}

/** @param {string} text */
function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
