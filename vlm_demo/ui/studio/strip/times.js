// Times in a film, as people write them.

/**
 * @param {number} seconds
 * @returns {string} as 0:12.5, or 1:02:03
 */
export function describeTime(seconds) {
  const tenths = Math.round(seconds * 10), whole = Math.floor(tenths / 10), hours = Math.floor(whole / 3600);
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60, rest = two(whole % 60);
  if (hours) return `${hours}:${two(minutes)}:${rest}`;
  return `${minutes}:${rest}${tenths % 10 ? `.${tenths % 10}` : ""}`;
}

/**
 * The frame that is shown at a time: the last one that does not begin later.
 * @param {readonly number[]} times in order
 * @param {number} seconds
 * @returns {number} its index, from 0
 */
export function frameAt(times, seconds) {
  const next = times.findIndex((time) => time > seconds + 0.001);
  return Math.max(0, (next < 0 ? times.length : next) - 1);
}

/**
 * The frame whose time is nearest.
 * @param {readonly number[]} times in order
 * @param {number} seconds
 */
export function nearestFrame(times, seconds) {
  const at = frameAt(times, seconds);
  return at + 1 < times.length && times[at + 1] - seconds < seconds - times[at] ? at + 1 : at;
}

/**
 * The time of a frame; of a place between two, one between theirs.
 * @param {readonly number[]} times in order
 * @param {number} frame from 0
 */
export function timeOf(times, frame) {
  const before = Math.floor(frame), begin = times[before] ?? times.at(-1) ?? 0;
  return begin + ((times[before + 1] ?? begin) - begin) * (frame - before);
}

/**
 * The place of a time among frames, with a fraction between two: `timeOf` the other way round.
 * @param {readonly number[]} times in order
 * @param {number} seconds
 */
export function placeOf(times, seconds) {
  const before = frameAt(times, seconds), begin = times[before] ?? 0, way = (times[before + 1] ?? begin) - begin;
  return before + (way > 0 ? Math.min(1, Math.max(0, (seconds - begin) / way)) : 0);
}
