// Reads server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html.

/** @typedef {{event: string, data: string}} ServerEvent */

/**
 * Makes a reader of a stream of events that comes in pieces.
 *
 * The events that Gradio sends have one or more `data:` lines after an `event:` line. Comments, ids and times
 * to wait are left out, and so is an event that the stream breaks off in.
 *
 * @returns {(piece: string) => ServerEvent[]} takes the next piece, and returns the events complete by then
 */
export function createEventReader() {
  let rest = "", event = "", /** @type {string[]} */ data = [];
  return (piece) => {
    /** @type {ServerEvent[]} */
    const events = [];
    rest += piece;
    // A carriage return at the end may be half of a line break.
    const whole = rest.endsWith("\r") ? rest.slice(0, -1) : rest;
    const lines = whole.split(/\r\n|\r|\n/);
    rest = /** @type {string} */ (lines.pop()) + rest.slice(whole.length);
    for (const line of lines) {
      if (!line) {
        if (data.length) events.push({ event: event || "message", data: data.join("\n") });
        event = "";
        data = [];
        continue;
      }
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "event") event = value;
      else if (name === "data") data.push(value);
    }
    return events;
  };
}
