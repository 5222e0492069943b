import assert from "node:assert/strict";
import { test } from "node:test";

import { titleOf, withTitles } from "../../../../vlm_demo/ui/header/models/titles.js";
import { putOwnFirst } from "../../../../vlm_demo/ui/studio/gallery/example_order.js";
import { translate } from "../../../../vlm_demo/ui/studio/server_text.js";

test("examples that are asked in the language of the page come first, in their order", () => {
  const asked = (text) => [{ task: "chat", text }];
  const examples = [
    { id: "a", words: { en: asked("What?"), zh: asked("What?") } },
    { id: "b", words: { en: asked("Where?"), zh: asked("哪里?") } },
    { id: "c", words: { en: asked("Who?"), zh: asked("谁?") } },
  ];
  assert.deepEqual(putOwnFirst(examples, "zh").map(({ id }) => id), ["b", "c", "a"]);
  assert.deepEqual(putOwnFirst(examples, "en").map(({ id }) => id), ["a", "b", "c"]);
});

test("texts of the server name models by their titles, and nothing else changes", () => {
  withTitles([{ name: "embedded-a", title: "Model A (embedded)" }]);
  assert.equal(titleOf("embedded-a"), "Model A (embedded)");
  assert.equal(translate({ words: "{name} answered.", values: { name: "embedded-a" } }), "Model A (embedded) answered.");
  assert.equal(translate({ words: "{count} of {name}", values: { count: 3, name: "other" } }), "3 of other");
});
