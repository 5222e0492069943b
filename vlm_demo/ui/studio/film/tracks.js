// What was found through a film: tracks, as the mentions of an answer, and where each thing is at a time.

/** @typedef {import("../state/types.js").FilmFinding} FilmFinding */
/** @typedef {import("../state/types.js").Region} Region */

/** @param {{label: string, id: number}} track */
export const trackName = ({ label, id }) => `${label} ${id}`;

/**
 * One mention for each place of each track; `image` is the frame of the strip. All of a track are one layer.
 * @param {FilmFinding["tracks"]} tracks
 * @param {FilmFinding["frames"]} frames that were looked at
 * @returns {import("../state/types.js").Mention[]}
 */
export const mentionsOf = (tracks, frames) => tracks.flatMap((track) => track.boxes.map(({ frame, box, confidence }) => ({
  phrase: trackName(track), track: true, span: null, image: frames[frame]?.place ?? frame, colour: "", dash: [], confidence, kind: confidence === null ? null : "token probability", regions: [{ ...box, confidence }],
})));

/**
 * Where the things are at a time: between two frames, on the straight way.
 * @param {FilmFinding} found
 * @param {number} seconds
 * @returns {Map<string, Region>} by name of the track
 */
export function placesAt({ frames, tracks }, seconds) {
  /** @type {Map<string, Region>} */
  const places = new Map();
  for (const track of tracks) {
    const after = track.boxes.findIndex(({ frame }) => frames[frame].seconds >= seconds), next = track.boxes[after], before = track.boxes[after - 1];
    if (next && before) {
      const begin = frames[before.frame].seconds, share = (seconds - begin) / (frames[next.frame].seconds - begin || 1);
      const ends = /** @type {number[]} */ (next.box.box), box = /** @type {number[]} */ (before.box.box).map((value, index) => value + (ends[index] - value) * share);
      places.set(trackName(track), { box });
    } else if (next && frames[next.frame].seconds - seconds < 0.05) places.set(trackName(track), next.box);
  }
  return places;
}
