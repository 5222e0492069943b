import assert from "node:assert/strict";
import { test } from "node:test";

import { closeCamera, openCamera } from "../../../vlm_demo/ui/studio/camera/opening.js";
import { Live } from "../../../vlm_demo/ui/studio/camera/live.js";

const refusing = (name) => ({ getUserMedia: () => Promise.reject(new DOMException("", name)) });
const REQUEST = { model: "model", task: "caption", text: "", targets: [] };

test("why there is no camera is said in plain words", async () => {
  const cases = [[undefined, /https/], [refusing("NotAllowedError"), /does not allow/], [refusing("NotFoundError"), /no camera/], [refusing("NotReadableError"), /another program/], [refusing("Odd"), /cannot be opened/]];
  for (const [devices, words] of cases) await assert.rejects(openCamera(devices), ({ text }) => words.test(text));
});

test("off is off", () => {
  const stopped = [];
  closeCamera({ getTracks: () => ["one", "two"].map((name) => ({ stop: () => stopped.push(name) })) });
  closeCamera(null);
  assert.deepEqual(stopped, ["one", "two"]);
});

test("the next picture is asked about when the last answer is done, until it is stopped", async () => {
  const asked = [], shown = [];
  const live = new Live({
    grab: () => `picture ${asked.length}`, onEnd: (error) => { throw error; },
    onAnswer: (answer) => { shown.push(answer.plain); if (shown.length === 3) live.stop(); },
    ask: async function* ask([request, picture]) {
      asked.push([request.task, request.images, picture]);
      yield [{ type: "done", plain: `answer ${asked.length}` }];
    },
  });
  await live.start(REQUEST);
  assert.deepEqual(shown, ["answer 1", "answer 2", "answer 3"]);
  assert.deepEqual(asked.at(-1), ["caption", ["camera"], "picture 2"]);
  assert.equal(live.isRunning, false);
});

test("an answer that fails ends it, and says why", async () => {
  const ended = [];
  const live = new Live({ grab: () => "p", onAnswer: () => assert.fail(), onEnd: (error) => ended.push(error.told), ask: async function* ask() { yield [{ type: "failed", message: "Broken", remedies: [] }]; } });
  await live.start(REQUEST);
  assert.deepEqual([ended, live.isRunning], [["Broken"], false]);
});
