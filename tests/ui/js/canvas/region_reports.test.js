import assert from "node:assert/strict";
import { test } from "node:test";

import { RegionReports } from "../../../../vlm_demo/ui/components/canvas/region_reports.js";

const ONE = [{ point: [0.1, 0.1] }];
const TWO = [...ONE, { point: [0.2, 0.2] }];

function reports() {
  const sent = [];
  const clock = { now: 1000 };
  return { sent, clock, made: new RegionReports((regions) => sent.push(regions), () => clock.now) };
}

test("what comes back from the server within a moment is an echo", () => {
  const { sent, made, clock } = reports();
  made.send(ONE);
  assert.deepEqual(sent, [ONE]);
  clock.now += 500;
  assert.equal(made.receive(ONE), null);
});

test("other regions take the place of those that are marked, once", () => {
  const { made, clock } = reports();
  made.send(ONE);
  clock.now += 500;
  assert.deepEqual(made.receive(TWO), TWO);
  assert.equal(made.receive(TWO), null);
  assert.equal(made.receive(undefined), null);
});

test("many changes at once are one report, of the newest", async () => {
  const { sent, made } = reports();
  made.send([]);
  made.send(ONE);
  made.send(TWO);
  await new Promise((done) => { setTimeout(done, 200); });
  assert.deepEqual(sent, [[], TWO]);
});
