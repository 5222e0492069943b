import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { Pictures } from "../../../vlm_demo/ui/studio/api/pictures.js";
import { newPicture } from "../../../vlm_demo/ui/studio/state/conversations.js";
import { createStore } from "../../../vlm_demo/ui/studio/state/store.js";
import { conversation } from "./studio_support.js";

const realFetch = globalThis.fetch;
afterEach(() => { globalThis.fetch = realFetch; });

/** A server that was started anew: it gives each picture that it is sent an id. */
function restartedServer() {
  const calls = [];
  globalThis.fetch = (address, options = {}) => {
    const name = String(address).match(/call\/(\w+)/)?.[1];
    if (String(address).endsWith("upload")) return Promise.resolve(new Response(JSON.stringify(["/tmp/upload"])));
    if (options.method === "POST") {
      calls.push([name, ...JSON.parse(options.body).data]);
      return Promise.resolve(new Response(JSON.stringify({ event_id: "e" })));
    }
    const made = JSON.stringify([{ id: `new-${calls.length}`, url: "file=x", name: "x", width: 2, height: 1, ...(name === "studio_image" ? { frames: 3 } : {}) }]);
    return Promise.resolve(new Response(`event: complete\ndata: ${made}\n\n`));
  };
  return calls;
}

const withPictures = (...pictures) => createStore({ conversation: { ...conversation(), pictures } });

test("a page of a document is taken out of it again by a server that was started anew", async () => {
  const calls = restartedServer();
  const scan = { ...newPicture("scan", { name: "scan", example: "scan" }), frames: 3 };
  const page = { ...newPicture("page", { name: "page 2" }), frames: 3, origin: "scan", frame: 1, url: "old" };
  const store = withPictures(scan, page), pictures = new Pictures(store);
  await pictures.renew("page");
  assert.deepEqual(calls, [["studio_image", "example:scan", "scan"], ["studio_frame", "new-1", 1]]);
  const renewed = store.get().conversation.pictures.find(({ key }) => key === "page");
  assert.deepEqual([renewed.serverId, renewed.status, renewed.frames], ["new-2", "ready", 3]);
});

test("a picture of the web is fetched again by a server that was started anew", async () => {
  const calls = restartedServer();
  const picture = { ...newPicture("web", { name: "cat" }), url: "old", address: "https://example.org/cat.png" };
  const store = withPictures(picture);
  await new Pictures(store).renew("web");
  assert.deepEqual(calls, [["studio_image", "https://example.org/cat.png", "cat"]]);
  assert.equal(store.get().conversation.pictures[0].status, "ready");
});

test("a picture whose bytes are nowhere is gone", async () => {
  restartedServer();
  const store = withPictures({ ...newPicture("lost", { name: "lost" }), url: "old" });
  await new Pictures(store).renew("lost");
  assert.equal(store.get().conversation.pictures[0].status, "gone");
});
