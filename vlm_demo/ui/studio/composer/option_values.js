// The options of a request: which there are, what they may be, and how many a person has changed.
import { message } from "../../i18n/say.js";

/** @typedef {import("../state/types.js").Options} Options */

/**
 * @typedef {{name: keyof Options, label: string, hint: string, kind: "number" | "whole" | "text" | "long" | "lines" | "switch" | "choice",
 *   least?: number, most?: number, step?: number, choices?: [value: string, label: string][]}} Option
 */

/** Options in the order in which they are shown, with their English words. @type {Option[]} */
export const OPTIONS = [
  { name: "max_new_tokens", label: message("Max tokens"), hint: message("The answer stops there; a token is about ¾ of a word"), kind: "whole", least: 1, most: 8192, step: 1 },
  { name: "temperature", label: message("Temperature"), hint: message("0 = deterministic"), kind: "number", least: 0, most: 2, step: 0.05 },
  { name: "top_p", label: message("Top p"), hint: message("Nucleus sampling"), kind: "number", least: 0.05, most: 1, step: 0.05 },
  { name: "top_k", label: message("Top k"), hint: message("Draw from the k most likely tokens; 0 = from all"), kind: "whole", least: 0, most: 1000, step: 1 },
  { name: "repetition_penalty", label: message("Repetition penalty"), hint: message("Above 1 discourages repetition"), kind: "number", least: 1, most: 2, step: 0.05 },
  { name: "seed", label: message("Seed"), hint: message("The same seed gives the same answer"), kind: "whole", least: 0, most: Number.MAX_SAFE_INTEGER, step: 1 },
  { name: "thinking", label: message("Reasoning"), hint: message("Thinking takes longer; it is shown collapsed above the answer"), kind: "choice", choices: [["", message("Model default")], ["true", message("Think first")], ["false", message("Answer directly")]] },
  { name: "visual_tokens", label: message("Image resolution"), hint: message("More visual tokens show more detail and take longer"), kind: "choice", choices: [["", message("Model default")]] },
  { name: "region_form", label: message("Marked regions"), hint: message("How regions reach the model"), kind: "choice", choices: [["", message("Automatic")], ["words", message("As coordinates")], ["marks", message("As numbered marks")], ["crops", message("As crops")]] },
  { name: "choices", label: message("Possible answers"), hint: message("One per line; with Ask, the model says how probable each is"), kind: "lines" },
  { name: "test_orders", label: message("Test option order"), hint: message("Repeats the question with the options rotated"), kind: "switch" },
  { name: "pattern", label: message("Pattern"), hint: message("A regular expression that the whole answer must match"), kind: "text" },
  { name: "schema", label: message("JSON schema"), hint: message("The answer is JSON that is valid by it"), kind: "long" },
  { name: "system", label: message("System prompt"), hint: message("Said to the model before everything else"), kind: "long" },
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
  if (option.name === "schema" && !isJson(words)) return { problem: message("This is not JSON."), values: {} };
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
  return { problem: kind === "whole" ? message("A whole number from {least} to {most}.") : message("A number from {least} to {most}."), values: { least, most } };
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
  if (temperature === 0 && (topP < 1 || seed !== undefined)) hints.push(message("At temperature 0 the most likely token is always taken, so top p and the seed change nothing."));
  if (temperature > 1) hints.push(message("Above a temperature of 1, answers wander off, and boxes often go wrong."));
  if (penalty > 1.2) hints.push(message("A repetition penalty this high also suppresses repeated numbers, such as coordinates."));
  if (tokens < 32) hints.push(message("With so few tokens, answers stop in the middle of a sentence."));
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
