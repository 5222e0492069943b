import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { call, stream } from "../../../vlm_demo/ui/studio/api/call.js";
import { ConnectionLost, RequestRefused, ServerBusy } from "../../../vlm_demo/ui/studio/api/errors.js";
import { createEventReader } from "../../../vlm_demo/ui/studio/api/sse.js";

const realFetch = globalThis.fetch;
afterEach(() => { globalThis.fetch = realFetch; });

/** Answers the POST with an event id and the GET with a stream of pieces. */
function serve(pieces, { status = 200, fail = false } = {}) {
  const requests = [];
  globalThis.fetch = (address, options = {}) => {
    requests.push({ address: String(address), ...options });
    if (fail) return Promise.reject(new TypeError("Failed to fetch"));
    const posted = JSON.stringify(status === 200 ? { event_id: "e1" } : { detail: "No." });
    if (options.method === "POST") return Promise.resolve(new Response(posted, { status }));
    const body = new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
        controller.close();
      },
    });
    return Promise.resolve(new Response(body));
  };
  return requests;
}

const collect = async (iterator) => { const all = []; for await (const one of iterator) all.push(one); return all; };

test("events come out of pieces cut anywhere", () => {
  const text = "event: generating\r\ndata: [1]\r\n\r\n: comment\nevent: complete\ndata: [\ndata: 2]\n\n";
  for (let size = 1; size < 9; size += 1) {
    const read = createEventReader(), events = [];
    for (let at = 0; at < text.length; at += size) events.push(...read(text.slice(at, at + size)));
    assert.deepEqual(events, [{ event: "generating", data: "[1]" }, { event: "complete", data: "[\n2]" }]);
  }
});

test("a call returns what its function returned", async () => {
  const requests = serve(["event: complete\ndata: [{\"id\": 7}]\n\n"]);
  assert.deepEqual(await call("studio_start", []), { id: 7 });
  assert.match(requests[0].address, /gradio_api\/call\/studio_start$/);
  assert.deepEqual(JSON.parse(requests[0].body), { data: [] });
  assert.match(requests[1].address, /gradio_api\/call\/studio_start\/e1$/);
});

test("a stream yields each output once, though Gradio tells the last one twice", async () => {
  serve(["event: generating\ndata: [[1]]\n\nevent: heartbeat\ndata: null\n\nevent: generating\ndata: [[2]]\n\n", "event: complete\ndata: [[2]]\n\n"]);
  assert.deepEqual(await collect(stream("studio_answer", [{}])), [[1], [2]]);
});

test("a character cut in two, or broken, does not break the stream", async () => {
  const bytes = new TextEncoder().encode("event: generating\ndata: [\"猫\"]\n\n");
  const at = bytes.indexOf(0xe7) + 1;
  serve([bytes.slice(0, at), bytes.slice(at), Uint8Array.from([...new TextEncoder().encode("event: generating\ndata: [\""), 0xff, ...new TextEncoder().encode("\"]\n\n")]), "event: complete\ndata: [null]\n\n"]);
  assert.deepEqual(await collect(stream("x", [])), ["猫", "\ufffd"]);
});

test("each failure has its kind", async () => {
  serve([], { fail: true });
  await assert.rejects(call("x"), ConnectionLost);
  serve([], { status: 503 });
  await assert.rejects(call("x"), ServerBusy);
  serve([], { status: 404 });
  await assert.rejects(call("x"), RequestRefused);
  serve(["event: error\ndata: {\"error\": \"Too long.\"}\n\n"]);
  await assert.rejects(call("x"), (error) => error instanceof RequestRefused && error.message === "Too long.");
  serve(["event: generating\ndata: [1]\n\n"]);
  await assert.rejects(collect(stream("x", [])), ConnectionLost);
});

test("aborting closes the stream", async () => {
  const requests = serve(["event: generating\ndata: [1]\n\n"]);
  const stopping = new AbortController();
  const iterator = stream("x", [], { signal: stopping.signal });
  await iterator.next();
  stopping.abort();
  assert.ok(requests[1].signal.aborted);
});
