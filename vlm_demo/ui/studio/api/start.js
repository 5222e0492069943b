// What the server tells a page when it opens; asked for once, however many parts of the page want it.
import { withTitles } from "../../header/models/titles.js";
import { call } from "./call.js";

/** @type {Promise<any> | null} */
let answer = null;

/**
 * Returns what `studio_start` returns; a call that failed is made again the next time.
 * @returns {Promise<any>}
 */
export function start() {
  answer ??= call("studio_start").then((content) => ({ ...content, models: withTitles(content.models) })).catch((error) => {
    answer = null;
    throw error;
  });
  return answer;
}
