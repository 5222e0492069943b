import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyDraft } from "../../../vlm_demo/ui/studio/composer/modes.js";
import { filmOf } from "../../../vlm_demo/ui/studio/conversation/new_turn.js";
import { placesAt } from "../../../vlm_demo/ui/studio/film/tracks.js";
import { applyEvents } from "../../../vlm_demo/ui/studio/state/answers.js";
import { newPicture } from "../../../vlm_demo/ui/studio/state/conversations.js";
import { deriveLayers } from "../../../vlm_demo/ui/studio/state/layers.js";
import { answer, box, conversation, turn } from "./studio_support.js";

const FRAMES = [0, 1, 2].map((seconds) => ({ index: seconds * 10, seconds }));
const place = (frame, x) => ({ frame, box: box(x, 0, x + 0.2, 0.2), confidence: null, is_estimated: false });
const TRACKS = [{ id: 1, label: "star", boxes: [place(0, 0), place(1, 0.2), place(2, 0.6)] }, { id: 2, label: "star", boxes: [place(2, 0.1)] }];
const found = (events) => applyEvents(answer("a", { status: "waiting", pictures: ["f", "f#1", "f#2"], film: { root: "f", frames: [], tracks: [], total: 0 } }), events, 1);

test("what is found through a film is a layer for each track, on the frame where it is", () => {
  const grown = found([{ type: "film", frames: FRAMES, tracks: TRACKS, total: 60 }]);
  assert.deepEqual([grown.film.root, grown.status, grown.waiting.share], ["f", "growing", 0.05]);
  const asked = conversation([turn("t", { task: "grounding", targets: ["star"], film: "f", answers: [grown] })]);
  const layers = (shown) => deriveLayers(asked, shown, { colours: ["red", "blue"], dashes: [[]] }).map(({ phrase, colour, count }) => [phrase, colour, count]);
  assert.deepEqual(layers("f#2"), [["star 1", "red", 1], ["star 2", "blue", 1]]);
  assert.deepEqual(layers("f"), [["star 1", "red", 1]]);
});

test("what is nowhere in a film is said when it has been looked through; frames of uneven length are found on the strip", () => {
  const frames = FRAMES.map((frame, index) => ({ ...frame, place: [0, 2, 2][index] }));
  const growing = found([{ type: "film", frames, tracks: TRACKS, total: 60 }]);
  const layers = (one, shown = null) => deriveLayers(conversation([turn("t", { task: "grounding", targets: ["star", "moon"], film: "f", answers: [one] })]), shown, { colours: ["red"], dashes: [[]] }).map(({ phrase, count }) => [phrase, count]);
  assert.deepEqual(layers(growing, "f#1"), []);
  assert.deepEqual(layers({ ...growing, status: "done" }).filter(([, count]) => !count), [["moon", 0]]);
  assert.deepEqual(growing.mentions.map(({ image }) => image), [0, 2, 2, 2]);
});

test("between two frames a thing is on the straight way, and nowhere before and after", () => {
  const at = (seconds) => [...placesAt({ frames: FRAMES, tracks: TRACKS }, seconds)].map(([name, { box: [x] }]) => [name, Math.round(x * 100) / 100]);
  assert.deepEqual(at(0.5), [["star 1", 0.1]]);
  assert.deepEqual(at(2), [["star 1", 0.6], ["star 2", 0.1]]);
  assert.deepEqual(at(3), []);
});

test("things are looked for through the film, or in one frame where a person says so", () => {
  const all = conversation([], { pictures: [{ ...newPicture("f", { name: "f.mp4" }), kind: "film", frames: 3 }] });
  const draft = { ...emptyDraft(), mode: "find", pictures: ["f"] };
  assert.equal(filmOf(draft, all), "f");
  assert.equal(filmOf({ ...draft, oneFrame: true }, all), null);
  assert.equal(filmOf({ ...draft, mode: "ask" }, all), null);
});
