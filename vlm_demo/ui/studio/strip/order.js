/**
 * Where a dragged one of several things in a row is put down: counted among the others.
 *
 * @param {readonly {left: number, width: number}[]} others in their order, without the dragged one
 * @param {number} x of the pointer
 */
export function dropIndex(others, x) {
  const after = others.findIndex(({ left, width }) => x < left + width / 2);
  return after < 0 ? others.length : after;
}

/**
 * @template Thing
 * @param {readonly Thing[]} things
 * @param {number} from
 * @param {number} to where it is afterwards; beyond an end, it is at that end
 * @returns {Thing[]}
 */
export function moveThing(things, from, to) {
  const others = things.toSpliced(from, 1);
  return others.toSpliced(Math.min(others.length, Math.max(0, to)), 0, things[from]);
}
