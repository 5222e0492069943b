// Calls functions of the server through Gradio's public HTTP API: a POST that queues the call, and a stream of
// server-sent events with what it returns, https://www.gradio.app/guides/querying-gradio-apps-with-curl.
import { ConnectionLost, Explained, RequestRefused, ServerBusy } from "./errors.js";
import { createEventReader } from "./sse.js";

/** Address of the page, whatever path it has: its scripts lie somewhere below `page/`. */
const ROOT = import.meta.url.replace(/\/page\/(?!.*\/page\/).*$/, "/");

/**
 * Address of something on the server of the page.
 * @param {string} path relative to the page, or a whole address
 */
export const addressOf = (path) => new URL(path, ROOT).href;

/**
 * Calls a function that returns once.
 * @param {string} name
 * @param {unknown[]} inputs
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<any>} its first output; where that says what went wrong, an `Explained` is thrown
 */
export async function call(name, inputs = [], { signal } = {}) {
  let newest;
  for await (const output of stream(name, inputs, { signal })) newest = output;
  if (newest?.error) throw new Explained(newest.error, newest.image_gone ?? null);
  return newest;
}

/**
 * Calls a function and yields what it yields; closing the iterator or aborting the signal stops the function.
 *
 * @param {string} name
 * @param {unknown[]} inputs
 * @param {{signal?: AbortSignal}} [options]
 * @returns {AsyncGenerator<any, void, void>} its first output each time
 */
export async function* stream(name, inputs, { signal } = {}) {
  const closing = new AbortController();
  const abort = () => closing.abort();
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  try {
    const address = addressOf(`gradio_api/call/${name}`);
    const posted = await send(address, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ data: inputs }), signal: closing.signal,
    });
    const { event_id: event } = await posted.json();
    const response = await send(`${address}/${event}`, { signal: closing.signal });
    yield* outputs(response);
  } finally {
    signal?.removeEventListener("abort", abort);
    abort();
  }
}

/** @param {Response} response */
async function* outputs(response) {
  let generating = false;
  for await (const { event, data } of events(/** @type {ReadableStream<Uint8Array>} */ (response.body))) {
    if (event === "error") throw new RequestRefused(messageOf(JSON.parse(data)));
    // What a generator yielded last comes once more when it ends.
    if (event === "generating" || (event === "complete" && !generating)) yield (JSON.parse(data) ?? [])[0];
    if (event === "complete") return;
    generating ||= event === "generating";
  }
  throw new ConnectionLost();
}

/** @param {ReadableStream<Uint8Array>} body */
async function* events(body) {
  const read = createEventReader(), decoder = new TextDecoder();
  for await (const bytes of pieces(body)) yield* read(decoder.decode(bytes, { stream: true }));
}

/** @param {ReadableStream<Uint8Array>} body */
async function* pieces(body) {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await connected(reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {any} content of an event "error" */
const messageOf = (content) => (typeof content === "string" ? content : content?.error ?? "");

/**
 * @param {string} address
 * @param {RequestInit} options
 */
async function send(address, options) {
  const response = await connected(fetch(address, options));
  if (response.ok) return response;
  if (response.status === 503) throw new ServerBusy();
  if (response.status >= 502) throw new ConnectionLost();
  const content = await response.json().catch(() => ({}));
  throw new RequestRefused(typeof content.detail === "string" ? content.detail : "", response.status);
}

/**
 * Tells failures of the network from all others.
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
async function connected(promise) {
  try {
    return await promise;
  } catch (error) {
    throw error instanceof TypeError ? new ConnectionLost() : error;
  }
}
