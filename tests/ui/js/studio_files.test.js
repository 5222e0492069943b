import assert from "node:assert/strict";
import { test } from "node:test";

import { readFile, writeFile } from "../../../vlm_demo/ui/studio/state/conversation_file.js";
import { correctAnswer, mentionsToKeep } from "../../../vlm_demo/ui/studio/state/corrections.js";
import { showVersion } from "../../../vlm_demo/ui/studio/state/answers.js";
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

test("a corrected answer is a new version with the boxes that were confirmed, and its file says so", async () => {
  const old = answer("a", { plain: "A cat, a dog and a lamp.", blocks: ["<p>x</p>"], mentions: [mention("A cat", 1), mention("a dog", 1), mention("a lamp", 1)], pictures: ["p"] });
  const findings = [{ phrase: "cat", verdict: "supported", regions: [box(0.2, 0.2, 0.6, 0.6)] }, { phrase: "dog", verdict: "contradicted", regions: [] }, { phrase: "owl", verdict: "supported", denied: true, regions: [box(0, 0, 1, 1)] }];
  const kept = mentionsToKeep(old, findings);
  assert.deepEqual(kept.map(({ phrase, regions }) => [phrase, regions]), [["cat", [box(0.2, 0.2, 0.6, 0.6)]], ["a lamp", old.mentions[2].regions]]);
  const events = [{ type: "mentions", keep: 0, items: kept }, { type: "text", keep: 0, blocks: ["<p>A cat.</p>"] }];
  const corrected = correctAnswer(old, "b", { text: "A cat.", events, note: "Corrected." }, 5);
  const read = readFile(await writeFile(conversation([turn("t", { answers: [corrected] })]), () => Promise.resolve(null)));
  const [written] = read.turns[0].answers;
  assert.deepEqual([written.corrected, written.status, written.plain, written.mentions.length], [true, "done", "A cat.", 2]);
  assert.deepEqual([showVersion(corrected, -1, 6).plain, showVersion(corrected, -1, 6).corrected], ["A cat, a dog and a lamp.", undefined]);
});
