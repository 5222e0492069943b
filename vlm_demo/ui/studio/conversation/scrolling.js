// Follows a conversation as it grows, while its reader is at the end of it.

/** How near the end counts as being there, in pixels. */
const NEAR = 32;

/** How long after somebody's wheel, finger or key a scroll still counts as theirs, in ms. */
const RECENT_MS = 1000;

/** Keeps the end of a scrolled element in sight, until somebody scrolls away from it. */
export class Follower {
  #scroller;
  #onChange;
  #top = 0;
  #follows = true;
  #used = -Infinity;
  #isDragged = false;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} content what grows in it
   * @param {(follows: boolean) => void} onChange
   */
  constructor(scroller, content, onChange) {
    this.#scroller = scroller;
    this.#onChange = onChange;
    scroller.addEventListener("scroll", () => this.#look(), { passive: true });
    scroller.addEventListener("wheel", (event) => event.deltaY < 0 && this.#isScrollable() && this.#set(false), { passive: true });
    for (const kind of ["wheel", "touchmove", "keydown"]) scroller.addEventListener(kind, () => { this.#used = performance.now(); }, { passive: true });
    scroller.addEventListener("pointerdown", (event) => { this.#isDragged = event.target === scroller; });
    // The end of a drag of the scroll bar is no event of its own everywhere.
    for (const kind of ["pointerup", "pointermove"]) scroller.addEventListener(kind, (event) => { this.#isDragged &&= /** @type {PointerEvent} */ (event).buttons !== 0; });
    const observer = new ResizeObserver(() => {
      // By keyboard, there is nothing to do in it but to scroll.
      scroller.tabIndex = this.#isScrollable() ? 0 : -1;
      if (this.#follows) this.jump();
    });
    observer.observe(content);
    observer.observe(scroller);
  }

  /** Goes to the end and stays there. */
  jump() {
    this.#set(true);
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#top = this.#scroller.scrollTop;
  }

  #look() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    // What shrinks and grows again moves it up too, and nobody has left the end by that.
    const isUp = scrollTop < this.#top - 1 && (this.#isDragged || performance.now() - this.#used < RECENT_MS);
    this.#top = scrollTop;
    if (scrollHeight - scrollTop - clientHeight < NEAR && !isUp) this.#set(true);
    else if (isUp) this.#set(scrollHeight - scrollTop - clientHeight < 2);
  }

  #isScrollable() {
    return this.#scroller.scrollHeight > this.#scroller.clientHeight;
  }

  /** @param {boolean} follows */
  #set(follows) {
    if (follows === this.#follows) return;
    this.#follows = follows;
    this.#onChange(follows);
  }
}
