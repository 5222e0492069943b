// What goes wrong between the page and its server.

/** The server cannot be reached, or went away in the middle. */
export class ConnectionLost extends Error {}

/** Too many requests are waiting. */
export class ServerBusy extends Error {}

/** The server refused a request; `message` is what it says, which may be "". */
export class RequestRefused extends Error {
  /**
   * @param {string} message
   * @param {number} [status] of HTTP; 0: an error of the function that was called
   */
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/** A call failed for a reason that people can understand. */
export class Explained extends Error {
  /**
   * @param {import("../state/types.js").ServerText} text
   * @param {string | null} [imageGone] id of a picture that the server does not know any more
   */
  constructor(text, imageGone = null) {
    super(typeof text === "string" ? text : text.words);
    this.text = text;
    this.imageGone = imageGone;
  }
}

/**
 * Tells whether an error says that the reader closed the stream.
 * @param {unknown} error
 */
export const isAbort = (error) => error instanceof DOMException && error.name === "AbortError";
