// What has come to the regions of a mention while its answer grows.

/**
 * The regions that have come at the end; null: those before are no longer the same.
 *
 * @template Region
 * @param {readonly Region[]} old
 * @param {readonly Region[]} now
 * @returns {readonly Region[] | null}
 */
export function addedRegions(old, now) {
  if (old === now) return [];
  const isSame = (/** @type {Region} */ region, /** @type {number} */ index) => JSON.stringify(region) === JSON.stringify(now[index]);
  return old.length <= now.length && old.every(isSame) ? now.slice(old.length) : null;
}
