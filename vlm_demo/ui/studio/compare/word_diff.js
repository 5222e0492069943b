// What differs between two texts, word by word.

/** @typedef {{text: string, side: "both" | "left" | "right"}} Part */

/** Largest number of steps for which the shortest difference is looked for: texts that differ more are different. */
const MAX_STEPS = 1200;

/**
 * Cuts a text into words with the blanks after them; letters of scripts without blanks stand alone.
 * @param {string} text
 * @returns {string[]}
 */
export const cutWords = (text) => text.match(/[\u3040-\u30ff\u3400-\u9fff]\s*|[^\s\u3040-\u30ff\u3400-\u9fff]+\s*|\s+/gu) ?? [];

/**
 * Compares two texts.
 *
 * The algorithm is the greedy one of E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986.
 *
 * @param {string} left
 * @param {string} right
 * @returns {Part[]} neighbours of one side are one part
 */
export function diffWords(left, right) {
  const one = cutWords(left), other = cutWords(right);
  const trace = search(one.map(plain), other.map(plain));
  if (!trace) return join([...one.map((text) => part(text, "left")), ...other.map((text) => part(text, "right"))]);
  /** @type {Part[]} */
  const parts = [];
  let x = one.length, y = other.length;
  for (let depth = trace.length - 1; depth >= 0; depth -= 1) {
    const reached = trace[depth], diagonal = x - y;
    const down = diagonal === -depth || (diagonal !== depth && at(reached, diagonal - 1) < at(reached, diagonal + 1));
    const from = down ? diagonal + 1 : diagonal - 1, startX = depth ? at(reached, from) : 0, startY = startX - from;
    while (x > Math.max(0, startX) && y > Math.max(0, depth ? startY : 0) && (depth === 0 || x - startX > (down ? 0 : 1) || y - startY > (down ? 1 : 0))) {
      x -= 1;
      y -= 1;
      // At the end of one text a word has no blank after it.
      parts.push(part(one[x].length > other[y].length ? one[x] : other[y], "both"));
    }
    if (!depth) break;
    if (down) parts.push(part(other[startY], "right"));
    else parts.push(part(one[startX], "left"));
    x = startX;
    y = startY;
  }
  return join(parts.reverse());
}

/**
 * @param {string[]} one
 * @param {string[]} other
 * @returns {Map<number, number>[] | null} for each number of differences, how far each diagonal reached before it
 */
function search(one, other) {
  /** @type {Map<number, number>[]} */
  const trace = [];
  const reached = new Map([[1, 0]]);
  const limit = Math.min(one.length + other.length, MAX_STEPS);
  for (let depth = 0; depth <= limit; depth += 1) {
    trace.push(new Map(reached));
    for (let diagonal = -depth; diagonal <= depth; diagonal += 2) {
      const down = diagonal === -depth || (diagonal !== depth && at(reached, diagonal - 1) < at(reached, diagonal + 1));
      let x = down ? at(reached, diagonal + 1) : at(reached, diagonal - 1) + 1;
      while (x < one.length && x - diagonal < other.length && one[x] === other[x - diagonal]) x += 1;
      reached.set(diagonal, x);
      if (x >= one.length && x - diagonal >= other.length) return trace;
    }
  }
  return null;
}

/** @param {Map<number, number>} reached @param {number} diagonal */
const at = (reached, diagonal) => reached.get(diagonal) ?? -1;

/** @param {string} word */
const plain = (word) => word.trim();

/** @param {string} text @param {Part["side"]} side @returns {Part} */
const part = (text, side) => ({ text, side });

/** @param {Part[]} parts */
function join(parts) {
  /** @type {Part[]} */
  const joined = [];
  for (const one of parts) {
    const last = joined.at(-1);
    if (last?.side === one.side) last.text += one.text;
    else joined.push({ ...one });
  }
  return joined;
}
