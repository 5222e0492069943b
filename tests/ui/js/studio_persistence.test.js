import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { test } from "node:test";

import { addTurn } from "../../../vlm_demo/ui/studio/state/conversations.js";
import { mergeConversations } from "../../../vlm_demo/ui/studio/state/merge.js";
import { Persistence } from "../../../vlm_demo/ui/studio/state/persistence.js";
import { createStore, until } from "../../../vlm_demo/ui/studio/state/store.js";
import { answer, conversation, turn } from "./studio_support.js";

/** A database in memory, with a table that several windows share. */
const memory = (table) => ({
  save: (one) => {
    const merged = table.has(one.id) ? mergeConversations(one, table.get(one.id)) : one;
    table.set(one.id, merged);
    return Promise.resolve(merged);
  },
  load: (id) => Promise.resolve(table.get(id) ?? null),
  list: () => Promise.resolve([...table.keys()].map((id) => ({ id, title: "", changed: 0, turns: 0 }))),
  delete: (id) => Promise.resolve(void table.delete(id)),
});

/** Channels of windows that hear one another. */
function channels(count) {
  const all = Array.from({ length: count }, () => ({ onmessage: null }));
  for (const one of all) one.postMessage = (data) => { for (const other of all) if (other !== one) queueMicrotask(() => other.onmessage?.({ data })); };
  return all;
}

const openWindow = (table, channel) => {
  const store = createStore({ conversation: conversation(), list: [], readOnly: false });
  return { store, persistence: new Persistence(store, () => Promise.resolve(memory(table)), () => {}, channel) };
};

const ask = (store, id, created) => store.update((state) => ({ ...state, conversation: addTurn(state.conversation, turn(id, { created, changed: created })) }));

test("a conversation is stored a moment after it has changed, an empty one is not", async () => {
  const table = new Map(), { store, persistence } = openWindow(table, channels(1)[0]);
  await persistence.flush();
  assert.equal(table.size, 0);
  ask(store, "a", 1);
  assert.equal(table.size, 0);
  await until({ get: store.get, subscribe: store.subscribe }, ({ list }) => list.length > 0);
  assert.deepEqual(table.get("conversation").turns.map(({ id }) => id), ["a"]);
});

test("two windows that ask at the same time end with both turns", async () => {
  const table = new Map(), [one, other] = channels(2).map((channel) => openWindow(table, channel));
  ask(one.store, "a", 1);
  ask(other.store, "b", 2);
  await Promise.all([one.persistence.flush(), other.persistence.flush()]);
  await wait(20);
  for (const { store } of [one, other]) assert.deepEqual(store.get().conversation.turns.map(({ id }) => id), ["a", "b"]);
  assert.deepEqual(table.get("conversation").turns.map(({ id }) => id), ["a", "b"]);
});

test("a conversation that was opened from a file is not stored", async () => {
  const table = new Map(), { store, persistence } = openWindow(table, channels(1)[0]);
  store.update((state) => ({ ...state, readOnly: true }));
  ask(store, "a", 1);
  await persistence.flush();
  assert.equal(table.size, 0);
});

test("answers that were growing when their page was closed have stopped", async () => {
  const old = turn("a", { answers: [answer("x", { status: "growing", changed: 5 })] });
  const { persistence } = openWindow(new Map([["conversation", conversation([old])]]), channels(1)[0]);
  assert.equal((await persistence.load("conversation")).turns[0].answers[0].status, "stopped");
});

test("a storage that is full or forbidden is told once, and the page goes on", async () => {
  const store = createStore({ conversation: conversation(), list: [], readOnly: false }), told = [];
  const persistence = new Persistence(store, () => Promise.reject(new Error("full")), (error) => told.push(error.message), null);
  ask(store, "a", 1);
  await persistence.flush();
  ask(store, "b", 2);
  await persistence.flush();
  assert.equal(await persistence.load("conversation"), null);
  assert.deepEqual(told, ["full"]);
  assert.equal(store.get().conversation.turns.length, 2);
});

test("an answer that has just ended is stored soon", async () => {
  const table = new Map(), { store } = openWindow(table, channels(1)[0]);
  const growing = turn("a", { answers: [answer("x", { status: "growing" })] });
  store.update((state) => ({ ...state, conversation: addTurn(state.conversation, growing) }));
  store.update((state) => ({ ...state, conversation: { ...state.conversation, turns: [{ ...growing, answers: [answer("x")] }] } }));
  await wait(700);
  assert.equal(table.get("conversation").turns[0].answers[0].status, "done");
});
