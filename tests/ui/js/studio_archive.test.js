import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyDraft } from "../../../vlm_demo/ui/studio/composer/modes.js";
import { createStore } from "../../../vlm_demo/ui/studio/state/store.js";
import { conversation, turn } from "./studio_support.js";

const ADDRESS = "http://page/?view=studio";
globalThis.addEventListener = (name, listener) => { if (name === "popstate") globalThis.goBack = listener; };
globalThis.document = { addEventListener: () => {}, documentElement: {} };
globalThis.history = {
  pushState: (_state, _title, url) => { globalThis.location = new URL(url); },
  replaceState: (_state, _title, url) => { globalThis.location = new URL(url); },
};
const { Archive } = await import("../../../vlm_demo/ui/studio/archive/archive.js");

const promised = () => {
  let settle;
  const promise = new Promise((resolve) => { settle = resolve; });
  return { promise, settle };
};
const settled = () => new Promise((resolve) => { setImmediate(resolve); });

/** A page whose storage answers when the test says so. */
function openPage(address) {
  globalThis.location = new URL(address);
  const loads = new Map(), written = promised();
  const state = { conversation: conversation([], { id: "fresh" }), readOnly: false, draft: emptyDraft(), running: [], list: [] };
  const studio = { store: createStore(state), drawRegions() {}, focusComposer() {}, asking: { running: { stopAll() {} } } };
  const archive = new Archive(studio, {
    load: (id) => {
      loads.set(id, promised());
      return loads.get(id).promise;
    },
    flush: () => written.promise, refreshList: () => Promise.resolve(),
  });
  const deliver = async (id, found = conversation([turn(`turn of ${id}`)], { id })) => {
    loads.get(id).settle(found);
    await settled();
  };
  return { archive, studio, deliver, shown: () => studio.store.get().conversation.id };
}

test("a new conversation is begun at once, however long the last one takes to be stored", async () => {
  const { archive, studio, deliver, shown } = openPage(`${ADDRESS}&conversation=old`);
  void archive.start();
  await deliver("old");
  assert.equal(shown(), "old");
  void archive.create();
  assert.deepEqual(studio.store.get().conversation.turns, []);
  assert.equal(location.href, ADDRESS);
});

test("a new conversation that is begun while the page opens is not undone by the stored one", async () => {
  const { archive, deliver, shown } = openPage(`${ADDRESS}&conversation=old`);
  void archive.start();
  void archive.create();
  const begun = shown();
  await deliver("old");
  assert.equal(shown(), begun);
  assert.equal(location.href, ADDRESS);
});

test("what is asked before the stored conversation is there is not lost", async () => {
  const { archive, studio, deliver, shown } = openPage(`${ADDRESS}&conversation=old`);
  void archive.start();
  studio.store.update((state) => ({ ...state, conversation: { ...state.conversation, turns: [turn("asked")] } }));
  await deliver("old");
  assert.equal(shown(), "fresh");
});

test("words that are written while the page opens stay in the composer", async () => {
  const { archive, studio, deliver, shown } = openPage(`${ADDRESS}&conversation=old`);
  void archive.start();
  studio.store.update((state) => ({ ...state, draft: { ...state.draft, text: "Where is" } }));
  await deliver("old");
  assert.equal(shown(), "old");
  assert.equal(studio.store.get().draft.text, "Where is");
});

test("of two conversations that are opened, the one chosen last is shown", async () => {
  const { archive, deliver, shown } = openPage(ADDRESS);
  void archive.open("first");
  void archive.open("second");
  await deliver("second");
  await deliver("first");
  assert.equal(shown(), "second");
  assert.match(location.search, /conversation=second/);
});

test("going back and forth shows the conversation of the address", async () => {
  const { archive, deliver, shown } = openPage(`${ADDRESS}&conversation=new`);
  void archive.start();
  await deliver("new");
  globalThis.location = new URL(`${ADDRESS}&conversation=old`);
  globalThis.goBack();
  globalThis.location = new URL(`${ADDRESS}&conversation=new`);
  globalThis.goBack();
  await deliver("old");
  assert.equal(shown(), "new");
});
