// What went wrong, in the words of the page.
import { say } from "../i18n/say.js";
import { problemOf } from "../studio/api/problems.js";

/** @param {unknown} error */
export const explain = (error) => say(problemOf(error).message);
