import assert from "node:assert/strict";
import { test } from "node:test";

import { readFile, writeFile } from "../../../vlm_demo/ui/studio/state/conversation_file.js";
import { answer, box, conversation, mention, turn } from "./studio_support.js";

test("a conversation goes through a file with its pictures", async () => {
  const picture = { key: "p", name: "cat.png", width: 4, height: 2, example: null, blob: new Blob([Uint8Array.of(1, 2, 3)], { type: "image/png" }) };
  const asked = turn("t", { task: "grounding", targets: ["cat"], pictures: ["p"], regions: [box(0, 0, 1, 1)], answers: [answer("a", { blocks: ["<p>A cat</p>"], mentions: [mention("cat", 1)], pictures: ["p"] })] });
  const read = readFile(await writeFile(conversation([asked], { pictures: [picture], title: "Cats" }), ({ blob }) => Promise.resolve(blob)));
  assert.equal(read.title, "Cats");
  assert.deepEqual([read.turns[0].targets, read.turns[0].answers[0].blocks, read.turns[0].answers[0].mentions[0].regions], [["cat"], ["<p>A cat</p>"], [box(0, 0, 0.01, 1)]]);
  assert.deepEqual(new Uint8Array(await read.pictures[0].blob.arrayBuffer()), Uint8Array.of(1, 2, 3));
});

test("a file that anybody may have written does no harm", () => {
  for (const text of ["", "{", "[]", "{\"format\": \"vlm-demo conversation\"}", "null"]) assert.equal(readFile(text), null);
  const strange = {
    format: "vlm-demo conversation", version: 2, turns: [null, 5, { id: "t", task: "format-disk" }, { id: "t", task: "chat", text: {}, regions: [{ box: [0, 1] }, { box: [0, 0, 1, "x"] }, { polygon: 3 }], answers: [{ status: "growing", blocks: [3, "<p>x</p>"], mentions: [{ regions: [{ point: [1e999, 0] }] }] }] }],
    pictures: [{ key: "p", data: "data:image/svg+xml;base64,PHN2Zz4=" }, { key: "q", data: "javascript:alert(1)" }, {}], layers: 3,
  };
  const read = readFile(JSON.stringify(strange));
  assert.equal(read.turns.length, 1);
  assert.deepEqual([read.turns[0].text, read.turns[0].regions, read.turns[0].answers[0].status, read.turns[0].answers[0].blocks], ["", [], "stopped", ["<p>x</p>"]]);
  assert.deepEqual(read.turns[0].answers[0].mentions[0].regions, []);
  assert.deepEqual(read.pictures.map(({ blob, status }) => [blob, status]), [[null, "gone"], [null, "gone"]]);
});
