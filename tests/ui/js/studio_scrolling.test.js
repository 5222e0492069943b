// Who reads earlier lines stays there; a conversation that shrinks and grows again is followed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Follower } from "../../../vlm_demo/ui/studio/conversation/scrolling.js";

/** A box of 100 pixels that scrolls, whose content has a height. */
function scroller() {
  return Object.assign(new EventTarget(), { scrollTop: 0, scrollHeight: 100, clientHeight: 100, tabIndex: -1 });
}

/** @param {any} box @param {number} height what the browser makes of it: never scrolled beyond the end */
function resize(box, height) {
  box.scrollHeight = height;
  box.scrollTop = Math.min(box.scrollTop, height - box.clientHeight);
}

/** @returns {{box: any, follows: boolean[], observe: () => void}} */
function follow() {
  let observe = () => {};
  globalThis.ResizeObserver = /** @type {any} */ (class {
    /** @param {() => void} call */
    constructor(call) { observe = call; }
    observe() {}
  });
  const box = scroller(), follows = /** @type {boolean[]} */ ([]);
  new Follower(/** @type {any} */ (box), /** @type {any} */ (box), (value) => follows.push(value));
  return { box, follows, observe: () => observe() };
}

test("what shrinks and grows before the browser tells of it is followed", () => {
  const { box, follows, observe } = follow();
  resize(box, 900);
  observe();
  assert.equal(box.scrollTop, 900);
  box.scrollTop = 800;
  resize(box, 500);
  resize(box, 1200);
  box.dispatchEvent(new Event("scroll"));
  observe();
  assert.deepEqual(follows, []);
  assert.equal(box.scrollTop, 1200);
});

test("a key or a drag of the bar leaves the end, and coming back follows again", () => {
  for (const use of [new Event("keydown"), new Event("touchmove"), new Event("pointerdown")]) {
    const { box, follows, observe } = follow();
    resize(box, 900);
    observe();
    box.dispatchEvent(use);
    box.scrollTop = 300;
    box.dispatchEvent(new Event("scroll"));
    resize(box, 1000);
    observe();
    assert.deepEqual(follows, [false]);
    assert.equal(box.scrollTop, 300);
    box.scrollTop = 900;
    box.dispatchEvent(new Event("scroll"));
    assert.deepEqual(follows, [false, true]);
  }
});
