// What the page says about an error, and what can be done about it.
import { message } from "../../i18n/say.js";
import { ConnectionLost, Explained, RequestRefused, ServerBusy } from "./errors.js";

/** @typedef {import("../state/types.js").Problem} Problem */
/** @typedef {import("../state/types.js").Remedy} Remedy */

/** @type {Remedy} */
export const AGAIN = { action: "again", label: message("Try again") };
/** @type {Remedy} */
export const ADD_IMAGE = { action: "picture", label: message("Add an image") };

/**
 * @param {unknown} error
 * @param {Remedy[]} [remedies]
 * @returns {Problem}
 */
export function problemOf(error, remedies = [AGAIN]) {
  if (error instanceof Explained) return { message: error.text, remedies };
  if (error instanceof ConnectionLost) return { message: message("The server cannot be reached. Nothing that you wrote is lost."), remedies };
  if (error instanceof ServerBusy) return { message: message("The server is busy: too many requests are waiting."), remedies };
  if (error instanceof RequestRefused && error.status === 413) return { message: message("This file is too large."), remedies: [ADD_IMAGE] };
  if (error instanceof RequestRefused && error.message) return { message: error.message, remedies };
  return { message: message("Something went wrong here. Try again."), remedies };
}
