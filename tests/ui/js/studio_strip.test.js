import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyDraft } from "../../../vlm_demo/ui/studio/composer/modes.js";
import { findCitations, resolveCitation } from "../../../vlm_demo/ui/studio/conversation/citations.js";
import { removePicture } from "../../../vlm_demo/ui/studio/state/attached.js";
import { newPicture } from "../../../vlm_demo/ui/studio/state/conversations.js";
import { buildRequest, chooseGroups } from "../../../vlm_demo/ui/studio/state/requests.js";
import { afterClick, afterRange, entriesOf, MAX_ENTRIES, pictureOf, select } from "../../../vlm_demo/ui/studio/strip/entries.js";
import { describeTime, frameAt, nearestFrame, placeOf, timeOf } from "../../../vlm_demo/ui/studio/strip/times.js";
import { answer, conversation, turn } from "./studio_support.js";

const picture = (key, values = {}) => ({ ...newPicture(key, { name: `${key}.png` }), ...values });
const report = (frames = 5) => picture("report", { name: "report.pdf", frames, kind: "document" });
const draft = (pictures, values = {}) => ({ ...emptyDraft(), pictures, ...values });
const selected = (entries) => entries.filter(({ isSelected }) => isSelected).map(({ key }) => key);

test("a document stands on the strip as its pages, of which one goes with the question", () => {
  const one = conversation([], { pictures: [picture("a"), report()] }), now = draft(["a", "report"]);
  const entries = entriesOf(one, now);
  assert.deepEqual(entries.map(({ key }) => key), ["a", "report", "report#1", "report#2", "report#3", "report#4"]);
  assert.deepEqual(selected(entries), ["a", "report"]);
  const next = select(now, entries, afterClick(entries, entries[3]));
  assert.deepEqual([next.pictures, next.left], [["a", "report#2"], []]);
});

test("pages are selected one by one, as a range, all, and never none; pictures stay where they are", () => {
  const pages = [report(), pictureOf(report(), { key: "report#2", root: "report", frame: 2, frames: 5, kind: "document" })];
  assert.equal(pages[1].name, "report-page-3.png");
  const one = conversation([], { pictures: [picture("a"), ...pages] }), now = draft(["a", "report#2"]);
  const entries = entriesOf(one, now);
  assert.deepEqual(select(now, entries, afterRange(entries, "report#2", "report")).pictures, ["a", "report", "report#1", "report#2"]);
  const none = select(now, entries, new Set());
  assert.deepEqual([none.pictures, none.left], [["a", "report#2"], ["a"]]);
  assert.equal(select(now, entries, new Set(entries.map(({ key }) => key))).pictures.length, 6);
});

test("a long document is on the strip a part at a time", () => {
  const one = conversation([], { pictures: [report(5000)] });
  const entries = entriesOf(one, draft(["report"]), new Map([["report", 4900]]));
  assert.deepEqual([entries.length, entries[0].frame, entries.at(-1).frame], [100, 4900, 4999]);
  assert.equal(entriesOf(one, draft(["report"])).length, MAX_ENTRIES);
});

test("a file is taken away with its pages, except those that turns are about", () => {
  const pages = [1, 2].map((frame) => picture(`report#${frame}`, { origin: "report", frame, frames: 5 }));
  const state = { draft: draft(["report#1", "a"]), conversation: conversation([], { pictures: [report(), ...pages, picture("a")], shown: "report#1" }) };
  const gone = removePicture(state, "report");
  assert.deepEqual([gone.conversation.pictures.map(({ key }) => key), gone.conversation.shown, gone.draft.pictures], [["a"], "a", ["a"]]);
  const used = removePicture({ ...state, conversation: { ...state.conversation, turns: [turn("t", { pictures: ["report#2"] })] } }, "report");
  assert.deepEqual(used.conversation.pictures.map(({ key }) => key), ["report", "report#2", "a"]);
});

test("of a film, as many frames as a model sees are shown to it, evenly spaced and with both ends", () => {
  const film = picture("f", { kind: "film", frames: 9 }), keys = ["f", ...Array.from({ length: 8 }, (_, index) => `f#${index + 1}`)];
  const frames = keys.slice(1).map((key, index) => picture(key, { kind: "film", frames: 9, origin: "f", frame: index + 1 }));
  const one = conversation([], { pictures: [film, ...frames], shown: "f" }), groups = (values) => chooseGroups(one, keys, { task: "vqa", regions: [], most: 3, ...values });
  assert.deepEqual(groups(), [["f", "f#4", "f#8"]]);
  assert.deepEqual(groups({ task: "chat" }), [["f", "f#4", "f#8"]]);
  assert.deepEqual(groups({ most: 9 }), [keys]);
  assert.deepEqual([groups({ most: 1 }), groups({ inTurn: true })].map(({ length }) => length), [9, 9]);
  assert.equal(chooseGroups(conversation([], { pictures: [film, ...frames, picture("a")] }), [...keys, "a"], { task: "vqa", regions: [], most: 3 }).length, 10);
});

test("a place on the time line is a time, and back", () => {
  const times = [0, 0.5, 2];
  assert.deepEqual([0, 0.5, 1, 1.5, 2].map((place) => timeOf(times, place)), [0, 0.25, 0.5, 1.25, 2]);
  assert.deepEqual([0, 0.25, 0.5, 1.25, 2, 9].map((seconds) => placeOf(times, seconds)), [0, 0.5, 1, 1.5, 2, 2]);
});

test("40 pictures for a model that sees one are asked about one by one, and none is lost", () => {
  const keys = Array.from({ length: 40 }, (_, index) => `p${index}`), many = conversation([], { pictures: keys.map((key) => picture(key)), shown: "p0" });
  assert.deepEqual(chooseGroups(many, keys, { task: "vqa", regions: [], most: 1 }), keys.map((key) => [key]));
  assert.deepEqual(chooseGroups(many, keys, { task: "vqa", regions: [], most: 64 }), [keys]);
  assert.equal(chooseGroups(many, keys, { task: "vqa", regions: [], most: 64, inTurn: true }).length, 40);
  assert.deepEqual(chooseGroups(many, keys, { task: "grounding", regions: [] }), [["p0"]]);
  const pages = conversation([], { pictures: ["x", "y"].map((key) => picture(key, { frames: 3 })), shown: "x" });
  assert.deepEqual(chooseGroups(pages, ["x", "y"], { task: "grounding", regions: [] }), [["x"], ["y"]]);
});

test("one of a series of questions has no history, and is none", () => {
  const part = { index: 0, count: 2 }, asked = turn("a", { text: "What?", part, answers: [answer("x", { raw: "A cat" })] });
  const later = conversation([asked]);
  assert.deepEqual(buildRequest(later, turn("b", { text: "And?" }), "model").history, []);
  assert.deepEqual(buildRequest(conversation([turn("z", { answers: [answer("y", { raw: "Yes" })] }), asked]), asked, "model").history, []);
});

test("pages, pictures and times are found in three languages", () => {
  const found = (text) => findCitations(text).map(({ start, end, kind, number }) => [text.slice(start, end), kind, number]);
  assert.deepEqual(found("See page 3, p. 12 and image 2."), [["page 3", "page", 3], ["p. 12", "page", 12], ["image 2", "picture", 2]]);
  assert.deepEqual(found("3ページと第１２ページ、画像2。"), [["3ページ", "page", 3], ["第１２ページ", "page", 12], ["画像2", "picture", 2]]);
  assert.deepEqual(found("第3页，图片 2，1分20秒"), [["第3页", "page", 3], ["图片 2", "picture", 2], ["1分20秒", "time", 80]]);
  assert.deepEqual(found("At 0:12.5, 1:02:03 and 7.5 seconds; frame 4"), [["0:12.5", "time", 12.5], ["1:02:03", "time", 3723], ["7.5 seconds", "time", 7.5], ["frame 4", "frame", 4]]);
  assert.deepEqual(found("3 stages, 20 sheep, a campaign of 2"), []);
});

test("a citation leads to its page, its picture or the frame nearest in time", () => {
  const film = picture("film", { frames: 4, kind: "film", times: [0, 1, 2, 3] });
  const all = [report(), picture("report#1", { origin: "report", frame: 1, frames: 5 }), picture("a"), picture("b"), film];
  assert.deepEqual(resolveCitation({ kind: "page", number: 5 }, ["report#1"], all), { root: "report", frame: 4 });
  assert.equal(resolveCitation({ kind: "page", number: 6 }, ["report#1"], all), null);
  assert.deepEqual(resolveCitation({ kind: "picture", number: 2 }, ["a", "b"], all), { root: "b", frame: 0 });
  assert.equal(resolveCitation({ kind: "picture", number: 1 }, ["a"], all), null);
  assert.deepEqual(resolveCitation({ kind: "time", number: 1.8 }, ["film"], all), { root: "film", frame: 2 });
  assert.equal(resolveCitation({ kind: "time", number: 90 }, ["film"], all), null);
});

test("times are written as people do, and belong to the frame that is shown then", () => {
  assert.deepEqual([0, 12.5, 59.97, 61, 3723].map(describeTime), ["0:00", "0:12.5", "1:00", "1:01", "1:02:03"]);
  assert.deepEqual([frameAt([0, 1, 2], 1.9), frameAt([0, 1, 2], 9), nearestFrame([0, 1, 2], 1.6)], [1, 2, 2]);
});
