// How mentions are written. The limits are those of rendering/label_layout.py.

/** Characters of a phrase that a label shows. */
export const MAX_LABEL_CHARACTERS = 40;

/** Largest share of the picture that labels in words may cover; further labels are numbers. */
export const MAX_LABEL_COVERAGE = 0.2;

/**
 * A phrase on one line, cut to the longest label.
 *
 * @param {string} phrase
 */
export function shortenPhrase(phrase) {
  const words = phrase.trim().replace(/\s+/g, " ");
  return words.length > MAX_LABEL_CHARACTERS ? `${words.slice(0, MAX_LABEL_CHARACTERS - 1)}…` : words;
}

/**
 * "<1 %", "37 %"; only all is "100 %", and only nothing "0 %".
 *
 * @param {number | null | undefined} share 0 to 1; without one, the text is empty
 */
export function formatScore(share) {
  if (share === null || share === undefined) return "";
  if (share > 0 && share < 0.01) return "<1 %";
  return share > 0.99 && share < 1 ? ">99 %" : `${Math.round(share * 100)} %`;
}
