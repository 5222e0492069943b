import assert from "node:assert/strict";
import { test } from "node:test";

import { applyEvents, isEmptyAnswer, newAnswer, renewAnswer, showVersion, stopAnswer, versionsOf } from "../../../vlm_demo/ui/studio/state/answers.js";
import { addTurn, deleteTurns, newConversation, restoreTurns, stopAbandoned, titleOf } from "../../../vlm_demo/ui/studio/state/conversations.js";
import { documentOf } from "../../../vlm_demo/ui/studio/state/documents.js";
import { deriveLayers, layersOfMentions } from "../../../vlm_demo/ui/studio/state/layers.js";
import { mergeConversations } from "../../../vlm_demo/ui/studio/state/merge.js";
import { buildRequest, choosePictures, nameImages, picturesOf } from "../../../vlm_demo/ui/studio/state/requests.js";
import { createStore, remember } from "../../../vlm_demo/ui/studio/state/store.js";
import { readConversation, writeConversation } from "../../../vlm_demo/ui/studio/state/address.js";
import { answer, conversation, mention, turn } from "./studio_support.js";

const PALETTE = { colours: ["red", "green", "blue"], dashes: [[], [4, 2]] };
const grown = (...events) => applyEvents(newAnswer("a", "model", 0), events, 1);

test("a layer shows outlines in place of its boxes, and files have what it shows", () => {
  const outline = { polygon: [[0, 0], [1, 0], [1, 1]], further_rings: [[[0.2, 0.1], [0.4, 0.1], [0.4, 0.2]]] };
  const cat = { phrase: "cat", target: "cat", span: null, image: 0, colour: "", dash: [], confidence: 0.5, kind: null, regions: [{ box: [0, 0, 1, 1], confidence: 0.5, outline }, { point: [0.5, 0.5] }] };
  const found = { ...newAnswer("a", "model", 0, ["p"]), status: "done", mentions: [cat] };
  const search = { id: "t", task: "grounding", text: "", targets: ["cat"], regions: [], pictures: ["p"], options: {}, model: "model", answers: [found], created: 0, changed: 0 };
  const before = { ...newConversation("c", 0), turns: [search] };
  const palette = { colours: ["red"], dashes: [[]] };
  const [boxes] = deriveLayers(before, null, palette);
  assert.deepEqual([boxes.outlined, boxes.outlinable, boxes.mentions[0].regions[0].box], [false, true, [0, 0, 1, 1]]);
  const after = { ...before, layers: { ...before.layers, outlined: [boxes.id] } };
  const layers = deriveLayers(after, null, palette);
  assert.deepEqual(layers[0].mentions[0].regions, [{ ...outline, confidence: 0.5 }, { point: [0.5, 0.5] }]);
  assert.deepEqual(documentOf(after, "t", found, ["id"], layers).mentions[0].regions[0].further_rings, outline.further_rings);
  assert.deepEqual(documentOf(before, "t", found, ["id"], [boxes]).mentions[0].regions[0].box, [0, 0, 1, 1]);
});

test("a growing answer keeps its first blocks as they are", () => {
  const first = grown({ type: "text", keep: 0, blocks: ["<p>One</p>", "<p>T</p>"] });
  const second = applyEvents(first, [{ type: "text", keep: 1, blocks: ["<p>Two</p>", "<p>Three</p>"] }], 2);
  assert.deepEqual(second.blocks, ["<p>One</p>", "<p>Two</p>", "<p>Three</p>"]);
  assert.equal(second.status, "growing");
  assert.deepEqual(first.blocks, ["<p>One</p>", "<p>T</p>"]);
});

test("an answer may lose blocks and mentions as it is read anew", () => {
  const read = grown({ type: "mentions", keep: 0, items: [mention("cat", 1), mention("dog", 1)] }, { type: "mentions", keep: 1, items: [] });
  assert.deepEqual(read.mentions.map(({ phrase }) => phrase), ["cat"]);
});

test("waiting ends with the first word, and failing keeps what was written", () => {
  const waiting = grown({ type: "waiting", text: "Loading", stage: "Loading", share: 0.5 });
  assert.equal(waiting.waiting.share, 0.5);
  const failed = applyEvents(waiting, [{ type: "text", keep: 0, blocks: ["<p>Half</p>"] }, { type: "failed", message: "Broken", remedies: [{ action: "again", label: "Again" }] }], 2);
  assert.equal(failed.waiting, null);
  assert.equal(failed.status, "failed");
  assert.deepEqual(failed.blocks, ["<p>Half</p>"]);
  assert.equal(failed.problem.remedies[0].action, "again");
});

test("nothing changes an answer that has ended, and strange events change nothing", () => {
  const done = grown({ type: "done", raw: "raw", plain: "plain", stop: "finished" });
  assert.equal(done.status, "done");
  assert.equal(applyEvents(done, [{ type: "text", keep: 0, blocks: ["late"] }], 2), done);
  const fresh = newAnswer("a", "model", 0);
  assert.equal(applyEvents(fresh, [null, 3, {}, { type: "constructor" }, { type: "unheard-of" }], 1), fresh);
  assert.equal(applyEvents(fresh, null, 1), fresh);
});

test("a stopped answer keeps its words", () => {
  const stopped = stopAnswer(grown({ type: "text", keep: 0, blocks: ["<p>So far</p>"] }), 5);
  assert.equal(stopped.status, "stopped");
  assert.deepEqual(stopped.blocks, ["<p>So far</p>"]);
});

test("regenerating keeps earlier versions within reach", () => {
  const first = answer("one", { plain: "1" });
  const second = renewAnswer(first, answer("two", { plain: "2" })), third = renewAnswer(second, answer("three", { plain: "3" }));
  assert.deepEqual(versionsOf(third).map(({ id }) => id), ["one", "two", "three"]);
  const back = showVersion(showVersion(third, -1, 1), -1, 2);
  assert.equal(back.id, "one");
  assert.equal(showVersion(back, -1, 3), back);
  assert.equal(showVersion(showVersion(back, 1, 3), 1, 4).id, "three");
  assert.deepEqual(renewAnswer(answer("empty"), answer("new")).earlier, []);
});

test("an edited turn takes the place of all from it on, which can be undone", () => {
  const before = conversation([turn("a", { created: 1 }), turn("b", { created: 2 }), turn("c", { created: 3 })]);
  const edited = addTurn(before, turn("d", { created: 4, changed: 4 }), "b");
  assert.deepEqual(edited.turns.map(({ id }) => id), ["a", "d"]);
  const restored = restoreTurns(edited, before.turns, 5);
  assert.deepEqual(restored.turns.map(({ id }) => id), ["a", "b", "c"]);
  // Another window that still has the edited state does not undo the undoing.
  assert.deepEqual(mergeConversations(restored, edited).turns.map(({ id }) => id), ["a", "b", "c"]);
});

test("two windows with one conversation lose nothing", () => {
  const common = conversation([turn("a", { created: 1, changed: 1 })], { changed: 1 });
  const mine = { ...addTurn(common, turn("mine", { created: 2, changed: 2 })), title: "Mine" };
  const theirs = { ...addTurn({ ...common, turns: [turn("a", { created: 1, changed: 3, text: "newer" })] }, turn("theirs", { created: 3, changed: 3 })), title: "Theirs" };
  const merged = mergeConversations(mine, theirs);
  assert.deepEqual(merged.turns.map(({ id, text }) => [id, text]), [["a", "newer"], ["mine", ""], ["theirs", ""]]);
  assert.equal(merged.title, "Theirs");
  assert.deepEqual(mergeConversations(theirs, mine).turns, merged.turns);
  assert.equal(mergeConversations(merged, mine), merged);
  const without = deleteTurns(merged, ["mine"], 4);
  assert.equal(mergeConversations(mine, without).turns.some(({ id }) => id === "mine"), false);
});

test("pictures of both windows are kept", () => {
  const picture = (key) => ({ key });
  const merged = mergeConversations(conversation([], { pictures: [picture("a"), picture("b")] }), conversation([], { pictures: [picture("b"), picture("c")] }));
  assert.deepEqual(merged.pictures.map(({ key }) => key), ["a", "b", "c"]);
});

test("answers that nobody asks for any more have stopped", () => {
  const open = conversation([turn("a", { answers: [answer("x", { status: "growing", changed: 10 }), answer("y", { status: "growing", changed: 90 })] })]);
  assert.deepEqual(stopAbandoned(open, 50).turns[0].answers.map(({ status }) => status), ["stopped", "growing"]);
  assert.equal(stopAbandoned(open, 5), open);
});

test("a conversation is called what a person called it, or by its first question", () => {
  assert.equal(titleOf(conversation([turn("a", { text: "  Where\n is it? " })])), "Where is it?");
  assert.equal(titleOf(conversation([turn("a", { targets: ["cat", "dog"] })])), "cat, dog");
  assert.equal(titleOf(conversation([turn("a", { text: "x" })], { title: "Named" })), "Named");
  assert.equal([...titleOf(conversation([turn("a", { text: "😀".repeat(100) })]))].length, 60);
});

test("each thing of a search is a layer, also one that is not there, and searches add up", () => {
  const search = (id, targets, mentions) => turn(id, { task: "grounding", targets, answers: [answer(`${id}a`, { mentions })] });
  const layers = deriveLayers(conversation([
    search("one", ["pizza", "zebra"], [mention("pizza", 2, { target: "pizza" })]),
    search("two", ["mushroom"], [mention("a mushroom", 1)]),
  ]), null, PALETTE);
  assert.deepEqual(layers.map(({ phrase, count, colour, visible }) => [phrase, count, colour, visible]),
    [["pizza", 2, "red", true], ["zebra", 0, "green", true], ["mushroom", 1, "blue", true]]);
});

test("of other answers only the newest is visible, until an older one is asked for", () => {
  const chat = (id, phrase) => turn(id, { answers: [answer(`${id}a`, { mentions: [mention(phrase, 1)] })] });
  const both = conversation([chat("one", "horse"), chat("two", "cow")]);
  assert.deepEqual(deriveLayers(both, null, PALETTE).map(({ phrase, visible }) => [phrase, visible]), [["horse", false], ["cow", true]]);
  const layers = { hidden: [], deleted: [], shown: ["onea"] };
  assert.deepEqual(deriveLayers({ ...both, layers }, null, PALETTE).map(({ visible }) => visible), [true, true]);
  const hidden = { ...layers, hidden: ["two/twoa/cow"], deleted: ["one/onea/horse"] };
  assert.deepEqual(deriveLayers({ ...both, layers: hidden }, null, PALETTE).map(({ phrase, visible }) => [phrase, visible]), [["cow", false]]);
});

test("mentions of one phrase are one layer, and only those on the picture count", () => {
  const mentions = [mention("cat", 1), mention("cat", 2, { image: 1 }), mention("", 1), mention("nowhere", 0)];
  const one = conversation([turn("t", { answers: [answer("a", { mentions, pictures: ["p", "q"] })] })]);
  assert.deepEqual(deriveLayers(one, null, PALETTE).map(({ phrase, count }) => [phrase, count]), [["cat", 3], ["", 1]]);
  const layers = deriveLayers(one, "q", PALETTE);
  assert.deepEqual(layers.map(({ phrase, count, mentions: own }) => [phrase, count, own.map(({ index }) => index)]), [["cat", 2, [1]]]);
  assert.equal(layersOfMentions(layers, "a").get(1), layers[0]);
});

test("layers beyond the colours have dashes", () => {
  const many = turn("t", { answers: [answer("a", { mentions: Array.from({ length: 300 }, (_, index) => mention(`thing ${index}`, 1)) })] });
  const layers = deriveLayers(conversation([many]), null, PALETTE);
  assert.equal(layers.length, 300);
  assert.deepEqual([layers[0].dash, layers[3].dash, layers[3].colour], [[], [4, 2], "red"]);
});

test("a chat sends its history, other tasks stand alone", () => {
  const past = conversation([
    turn("a", { text: "What is it?", pictures: ["p"], answers: [answer("x", { raw: "A <b>cat</b>.", plain: "A cat." })] }),
    turn("f", { task: "grounding", targets: ["cat"], pictures: ["p"], answers: [answer("y", { raw: "[1, 2]" })] }),
    turn("b", { text: "Broken", answers: [answer("z", { status: "failed" })] }),
  ], { shots: [{ text: "And this?", answer: "A dog.", pictures: ["q"] }] });
  const request = buildRequest(past, turn("c", { text: "Why?", options: { temperature: 0.5, choices: ["x"], region_form: "crops" } }), "model");
  assert.deepEqual(request.history.map(({ text, raw }) => [text, raw]), [["And this?", "A dog."], ["What is it?", "A <b>cat</b>."]]);
  assert.deepEqual([request.sampling, request.choices, request.region_form], [{ temperature: 0.5 }, [], "crops"]);
  assert.deepEqual(picturesOf(request), ["q", "p"]);
  assert.deepEqual(nameImages(request, new Map([["p", "id"]])).history[1].images, ["id"]);
  assert.deepEqual(buildRequest(past, turn("c", { task: "vqa", text: "?" }), "model").history, []);
});

test("a chat does not send again what its model has seen, unless regions are on it", () => {
  const past = conversation([turn("a", { pictures: ["p"], answers: [answer("x", { raw: "Yes" })] }), turn("b", { pictures: ["q"], answers: [answer("y", { status: "failed" })] })]);
  assert.deepEqual(choosePictures(past, ["p", "q"], { task: "chat", regions: [] }), ["q"]);
  assert.deepEqual(choosePictures(past, ["p"], { task: "chat", regions: [{}] }), ["p"]);
  assert.deepEqual(choosePictures(past, ["p"], { task: "vqa", regions: [] }), ["p"]);
  assert.deepEqual(choosePictures(past, ["q", "r", "p"], { task: "chat", regions: [{}] }), ["q", "r", "p"]);
});

test("things are looked for in the picture on the canvas, and a model gets as many pictures as it sees", () => {
  const shown = conversation([], { shown: "a" });
  assert.deepEqual(choosePictures(shown, ["a", "b"], { task: "grounding", regions: [] }), ["a"]);
  assert.deepEqual(choosePictures(shown, ["a", "b"], { task: "vqa", regions: [], most: 1 }), ["a"]);
  assert.deepEqual(choosePictures(shown, ["a", "b"], { task: "vqa", regions: [], most: 2 }), ["a", "b"]);
  assert.deepEqual(choosePictures(shown, ["a", "b"], { task: "chat", regions: [{}] }), ["b", "a"]);
  const past = conversation([turn("a", { pictures: ["p"], answers: [answer("x", { raw: "Yes" })] })]);
  assert.deepEqual(choosePictures(past, ["p"], { task: "chat", regions: [], before: "a" }), ["p"]);
});

test("a store tells those whose part has changed, and only them", () => {
  const store = createStore({ one: 1, two: 2 }), heard = [];
  const stop = store.subscribe(({ one }) => one, (value, before) => heard.push([value, before]), { now: true });
  store.update((state) => ({ ...state, two: 3 }));
  store.update((state) => ({ ...state, one: 4 }));
  stop();
  store.update((state) => ({ ...state, one: 5 }));
  assert.deepEqual(heard, [[1, undefined], [4, 1]]);
});

test("a function with a memory computes once for the same arguments", () => {
  let times = 0;
  const twice = remember((value) => { times += 1; return value * 2; });
  assert.deepEqual([twice(1), twice(1), twice(2)], [2, 2, 4]);
  assert.equal(times, 2);
});

test("an address names a conversation and keeps what else it says", () => {
  assert.equal(writeConversation("https://host/tools/vlm/?lang=ja", "abc"), "https://host/tools/vlm/?lang=ja&view=studio&conversation=abc");
  assert.equal(writeConversation("https://host/?view=studio&conversation=abc", null), "https://host/?view=studio");
  assert.equal(readConversation("?conversation=abc"), "abc");
  assert.equal(readConversation("?view=arena"), null);
});

test("an answer without a word says so, unless something else says why", () => {
  const done = grown({ type: "done", state: "plain", tone: "", notes: [], raw: "", plain: "", outcome: "" });
  assert.ok(isEmptyAnswer(done));
  assert.ok(!isEmptyAnswer({ ...done, notes: ["The answer was stopped before its end."] }));
  assert.ok(!isEmptyAnswer({ ...done, plain: "yes" }));
  assert.ok(!isEmptyAnswer({ ...done, status: "growing" }));
});
