import assert from "node:assert/strict";
import { test } from "node:test";

import {
  afterSending, draftOf, emptyDraft, isSearchByExample, isSendable, likeRegion, modeOf, MODES, obstacleTo, STYLES, taskOf, withRegions, withText,
} from "../../../vlm_demo/ui/studio/composer/modes.js";
import { changeOption, countChanged, findHints, OPTIONS, readChoices, readOption } from "../../../vlm_demo/ui/studio/composer/option_values.js";
import { findSuggestions } from "../../../vlm_demo/ui/studio/composer/suggestions.js";
import { findNotes } from "../../../vlm_demo/ui/studio/composer/model_notes.js";
import { addTags, allTags, takeTags } from "../../../vlm_demo/ui/studio/composer/tags.js";
import { box, turn } from "./studio_support.js";

const option = (name) => OPTIONS.find((one) => one.name === name);

test("a separator of any language makes a tag, and the rest stays in the field", () => {
  assert.deepEqual(takeTags([], "cat, dog"), { tags: ["cat"], text: "dog" });
  assert.deepEqual(takeTags(["cat"], "Cat;  a  red   dog\n"), { tags: ["cat", "a red dog"], text: "" });
  assert.deepEqual(takeTags([], "猫、犬，鸟"), { tags: ["猫", "犬"], text: "鸟" });
  assert.deepEqual(takeTags(["cat"], "do"), { tags: ["cat"], text: "do" });
});

test("quotation marks keep a separator in a name", () => {
  assert.deepEqual(allTags([], 'cat, "salt, pepper", “a; b”'), ["cat", "salt, pepper", "a; b"]);
  assert.deepEqual(takeTags([], '"salt, pep'), { tags: ['"salt'], text: "pep" });
  assert.deepEqual(takeTags([], "a,,b;"), { tags: ["a", "b"], text: "" });
  assert.deepEqual(allTags([], ""), []);
});

test("one Enter sends the tags and what is in the field", () => {
  assert.deepEqual(allTags([], "cat, dog"), ["cat", "dog"]);
  assert.deepEqual(allTags(["cat"], ""), ["cat"]);
  assert.deepEqual(allTags(["cat"], " ; ,CAT"), ["cat"]);
  const tags = ["cat"];
  assert.equal(addTags(tags, ["cat"]), tags);
});

test("each mode and style stands for a task and back", () => {
  for (const mode of MODES) assert.equal(modeOf({ task: taskOf(mode) }).mode, mode);
  for (const style of STYLES) assert.equal(modeOf({ task: taskOf("caption", style), text: style === "continue" ? "A" : "" }).style, style);
});

test("a draft is sent when it says enough", () => {
  const draft = emptyDraft();
  assert.equal(isSendable(draft), false);
  assert.equal(isSendable({ ...draft, text: " x" }), true);
  assert.equal(isSendable({ ...draft, mode: "find" }), false);
  assert.equal(isSendable({ ...draft, mode: "find", tags: ["cat"] }), true);
  assert.equal(isSendable({ ...draft, mode: "caption" }), true);
  assert.equal(isSendable({ ...draft, mode: "caption", style: "continue" }), false);
});

test("what a model cannot do has a reason", () => {
  const model = { can: { chat: true, grounding: "It does not locate." } };
  assert.equal(obstacleTo(model, "chat"), null);
  assert.equal(obstacleTo(model, "find"), "It does not locate.");
  assert.equal(obstacleTo(undefined, "find"), null);
});

test("marking a region asks for its description, until a question is written", () => {
  const marked = withRegions(emptyDraft(), [box(0, 0, 1, 1)], undefined);
  assert.equal(marked.mode, "describe");
  assert.equal(withRegions(marked, [], undefined).mode, "chat");
  const asked = withText(marked, "What is this?");
  assert.deepEqual([asked.mode, asked.regions.length], ["chat", 1]);
  assert.equal(withText({ ...marked, auto: false }, "x").mode, "describe");
  assert.equal(withRegions({ ...emptyDraft(), text: "Who?" }, [box(0, 0, 1, 1)], undefined).mode, "chat");
  assert.equal(withRegions(emptyDraft(), [box(0, 0, 1, 1)], { can: { describe_region: "No." } }).mode, "chat");
  assert.equal(afterSending(marked).mode, "chat");
});

test("the question of a turn goes back into the composer whole", () => {
  const asked = turn("t", { task: "grounding", targets: ["cat", "dog"], pictures: ["p"], regions: [box(0, 0, 1, 1)], options: { seed: 1 } });
  const draft = draftOf(emptyDraft(), asked);
  assert.deepEqual([draft.mode, draft.tags, draft.pictures, draft.regions.length, draft.options], ["find", ["cat", "dog"], ["p"], 1, { seed: 1 }]);
});

test("options are read, counted and taken back", () => {
  assert.deepEqual(readOption(option("temperature"), "0.7"), { value: 0.7 });
  assert.equal(readOption(option("temperature"), "3").problem, "A number from {least} to {most}.");
  assert.equal(readOption(option("seed"), "1.5").problem, "A whole number from {least} to {most}.");
  assert.ok("problem" in readOption(option("max_new_tokens"), "1e999"));
  assert.equal(readOption(option("schema"), "{").problem, "This is not JSON.");
  assert.deepEqual(readOption(option("thinking"), "false"), { value: false });
  const options = changeOption(changeOption({}, "seed", 0), "thinking", false);
  assert.equal(countChanged(options), 2);
  assert.deepEqual(changeOption(options, "seed", ""), { thinking: false });
  assert.deepEqual(changeOption({ test_orders: true }, "test_orders", false), {});
});

test("possible answers are one a line, or between commas", () => {
  assert.deepEqual(readChoices("yes, no, yes"), ["yes", "no"]);
  assert.deepEqual(readChoices("Paris, France\nRome, Italy"), ["Paris, France", "Rome, Italy"]);
});

test("odd options are explained", () => {
  assert.equal(findHints({}).length, 0);
  assert.equal(findHints({ temperature: 0, seed: 1, max_new_tokens: 5 }).length, 2);
});

test("a model of drawn scenes warns before a photograph, also one of the examples", () => {
  const model = { name: "tiny", knows_photos: false, can: {} }, photos = { name: "photos", knows_photos: true, can: { chat: true }, group: "here" };
  const examples = [{ id: "horse", kind: "drawn scene" }, { id: "chelsea", kind: "photograph" }];
  const notes = (/** @type {string | null} */ example) => findNotes({ model, models: [model, photos], examples, task: "chat", shown: /** @type {any} */ ({ example }), draft: emptyDraft(), turns: 0 });
  assert.deepEqual(notes("horse"), []);
  for (const example of ["chelsea", null]) assert.deepEqual(notes(example).map(({ remedies }) => remedies.map((one) => one.model)), [["photos"]]);
});

test("what is like a region is looked for without words, once", () => {
  const draft = likeRegion({ ...emptyDraft(), text: "words", regions: [box, box] }, box);
  assert.deepEqual([draft.mode, draft.text, draft.regions], ["find", "", [box]]);
  assert.ok(isSearchByExample(draft) && isSendable(draft));
  assert.ok(!isSendable({ ...draft, regions: [] }));
  assert.equal(afterSending(draft).options.region_form, undefined);
});

test("a model made for one kind of picture is told of another, and suggestions are of the kind", () => {
  const model = { name: "photos", made_for: "photograph", can: { chat: true }, suggestions: { zh: [{ task: "chat", text: "?", image_kind: "photograph" }] } };
  const state = (imageKind) => ({ model, models: [{ name: "any", can: { chat: true }, group: "here" }], examples: [], task: "chat", shown: { key: "p", imageKind }, draft: emptyDraft(), turns: 0, language: "zh" });
  assert.deepEqual(findNotes(state("drawn scene")).map(({ remedies }) => remedies[0].model), ["any"]);
  for (const kind of ["photograph", null, undefined]) assert.deepEqual(findNotes(state(kind)), []);
  assert.equal(findSuggestions(state("photograph")).length, 1);
  assert.equal(findSuggestions(state("drawn scene")).length, 0);
});
