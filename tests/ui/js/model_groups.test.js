import assert from "node:assert/strict";
import { test } from "node:test";

import { abilities, cannot, facts, groupModels, matches } from "../../../vlm_demo/ui/header/models/groups.js";
import { chooseModel, chosenModel, models, onModelChange, setModels } from "../../../vlm_demo/ui/header/models/store.js";

const model = (name, changes = {}) => ({
  name, title: name, family: "LLaVA-1.5", size: "7.06 B", parameters: 7e9, gigabytes: 17, licence: "MIT", languages: ["English"], group: "fits",
  loaded: false, can: { chat: true, grounding: { words: "{family} does not support this task.", values: { family: "LLaVA" } } }, grounds: false,
  note: "", knows_photos: true, ...changes,
});

test("groups keep their order and leave out what is empty", () => {
  const groups = groupModels([model("far", { group: "elsewhere" }), model("near", { group: "here" })], "", "chat");
  assert.deepEqual(groups.map(({ group }) => group), ["here", "elsewhere"]);
});

test("models that can do the task come first, in the order of the server", () => {
  const able = { can: { grounding: true } };
  const [group] = groupModels([model("a"), model("b", able), model("c"), model("d", able)], "", "grounding");
  assert.deepEqual(group.models.map(({ name }) => name), ["b", "d", "a", "c"]);
});

test("every word of a search counts, in any case and any field", () => {
  assert.equal(matches(model("SmolVLM-256M"), "smol mit"), true);
  assert.equal(matches(model("SmolVLM-256M"), "smol apache"), false);
  assert.equal(matches(model("SmolVLM-256M"), "(*["), false);
});

test("a model says why it cannot do a task, and what it is good for", () => {
  assert.equal(cannot(model("a"), "chat"), null);
  assert.equal(cannot(model("a"), "grounding").words, "{family} does not support this task.");
  assert.deepEqual(abilities(model("a", { can: { chat: true, detect: true, read: true } })), ["chat", "boxes", "text"]);
});

test("facts leave out what is not known", () => {
  assert.equal(facts(model("a")), "7.06 B · 17 GB · MIT");
  assert.equal(facts(model("a", { size: "", gigabytes: null })), "MIT");
  assert.equal(facts(model("a", { gigabytes: 0.0099 })), "7.06 B · 0.01 GB · MIT");
});

test("a choice stays when the list comes again, unless its model is gone or cannot run", () => {
  const seen = [], end = onModelChange((name) => seen.push(name));
  setModels([model("a"), model("b")], "a");
  chooseModel("b");
  setModels([model("b"), model("a")]);
  assert.equal(chosenModel(), "b");
  setModels([model("b", { group: "elsewhere" }), model("a")], "a");
  assert.equal(chosenModel(), "a");
  end();
  chooseModel("c");
  assert.deepEqual(seen, ["a", "b", "a"]);
  assert.equal(models.get().chosen, "c");
});
