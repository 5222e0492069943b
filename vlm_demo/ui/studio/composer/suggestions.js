// What the chosen model was seen to answer, in the language of the page. What is shown is what is sent.

import { imageKindOf } from "./image_kind.js";

/** @typedef {{text: string, task: import("../state/types.js").Task, label?: string, image_kind?: string}} Suggestion */

/** Largest number that is shown at once. */
const MOST = 4;

/**
 * @param {{model: any, examples: any[], shown: import("../state/types.js").Picture | null, draft: import("../state/types.js").Draft, turns: number, language: string}} state
 * @returns {Suggestion[]}
 */
export function findSuggestions({ model, examples, shown, draft, turns, language }) {
  if (draft.text.trim() || draft.tags.length || draft.editing || turns || !shown) return [];
  const example = shown.example ? examples.find(({ id }) => id === shown.example) : null;
  const own = inLanguage(example?.words, language), general = inLanguage(model?.suggestions, language);
  const kind = imageKindOf(shown, examples);
  return [...own, ...general].filter(({ text, task, image_kind: only }, index, all) => (
    (!only || only === kind) && all.findIndex((one) => one.text === text && one.task === task) === index && model?.can?.[task] !== undefined && model.can[task] === true)).slice(0, MOST);
}

/**
 * @param {Record<string, Suggestion[]> | undefined} byLanguage
 * @param {string} language
 * @returns {Suggestion[]}
 */
const inLanguage = (byLanguage, language) => byLanguage?.[language] ?? [];
