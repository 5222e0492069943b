/**
 * The colour of a layer as its lines on the picture are drawn: solid, or with their dashes.
 *
 * @param {string} colour
 * @param {readonly number[]} dash lengths of lines and gaps
 * @returns {{background: string}}
 */
export function swatchStyle(colour, dash) {
  if (!dash.length) return { background: colour };
  let at = 0;
  const stops = dash.map((length, turn) => {
    const from = at;
    at += length * 2;
    return `${turn % 2 ? "transparent" : colour} ${from}px ${at}px`;
  });
  return { background: `repeating-linear-gradient(90deg, ${stops.join(", ")})` };
}
