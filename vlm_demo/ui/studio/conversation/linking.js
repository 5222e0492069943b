// Phrases and boxes light each other up: by pointing, by the focus, and by a click.

/** @typedef {import("../studio.js").Studio} Studio */

/**
 * @param {Studio} studio
 * @param {HTMLElement} root of the conversation
 */
export function linkPhrases(studio, root) {
  const point = (/** @type {Event} */ event) => {
    const found = findMention(event.target);
    if (found) studio.point(found);
  };
  const leave = (/** @type {Event} */ event) => {
    if (findMention(event.target)) studio.point(findMention(document.activeElement));
  };
  root.addEventListener("pointerover", point);
  root.addEventListener("pointerout", leave);
  root.addEventListener("focusin", point);
  root.addEventListener("focusout", leave);
  const show = (/** @type {Event} */ event) => {
    const found = findMention(event.target);
    if (found) studio.showMention(found);
  };
  root.addEventListener("click", show);
  root.addEventListener("keydown", (event) => {
    if ((event.key !== "Enter" && event.key !== " ") || !(event.target instanceof HTMLElement) || event.target.localName !== "mark") return;
    event.preventDefault();
    show(event);
  });
  studio.store.subscribe(({ pointed }) => pointed, (pointed) => {
    for (const one of root.querySelectorAll("[data-mention].hot")) one.classList.remove("hot");
    if (!pointed) return;
    const answer = root.querySelector(`[data-answer="${CSS.escape(pointed.answer)}"]`);
    const layer = studio.layers().find((one) => one.answer === pointed.answer && one.mentions.some(({ index }) => index === pointed.mention));
    const same = new Set(layer?.mentions.map(({ index }) => String(index)) ?? [String(pointed.mention)]);
    for (const one of answer?.querySelectorAll("[data-mention]") ?? []) {
      const { mention = "" } = /** @type {HTMLElement} */ (one).dataset;
      if (mention === String(pointed.mention) || (one.localName !== "mark" && same.has(mention))) one.classList.add("hot");
    }
  });
}

/**
 * The mention that an element of the conversation stands for.
 * @param {EventTarget | null} target
 * @returns {{turn: string, answer: string, mention: number} | null}
 */
function findMention(target) {
  const element = target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest("[data-mention]")) : null;
  const answer = /** @type {HTMLElement | null | undefined} */ (element?.closest("[data-answer]"));
  const turn = /** @type {HTMLElement | null | undefined} */ (answer?.closest("[data-turn]"));
  if (!element || !answer || !turn) return null;
  return { turn: turn.dataset.turn ?? "", answer: answer.dataset.answer ?? "", mention: Number(element.dataset.mention) };
}
