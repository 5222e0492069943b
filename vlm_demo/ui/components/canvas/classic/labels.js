// Where the labels of places go, so that they do not cover each other. rendering/label_layout.py does the
// same for drawn pictures: change both together. It also holds the constants that both use.
//
// `items`: {box: [x1, y1, x2, y2], sizes: [[width, height], ...]}, in pixels, the size that is liked best
// first; `frame`: the box that labels stay in. Gives for each item {x, y, size: which of its sizes}, or
// null where the place is not in the frame at all. Whoever comes first is served first, so that labels do
// not jump while more places come. The last size is taken at the first spot where no other fits.
function placeLabels(items, frame) {
  const taken = [];
  const free = ([x1, y1, x2, y2]) => x1 >= frame[0] && y1 >= frame[1] && x2 <= frame[2] && y2 <= frame[3]
    && !taken.some((other) => x1 < other[2] && other[0] < x2 && y1 < other[3] && other[1] < y2);
  return items.map(({ box, sizes }) => {
    if (box[0] > frame[2] || box[2] < frame[0] || box[1] > frame[3] || box[3] < frame[1]) return null;
    for (const [size, extent] of sizes.entries()) {
      if (!extent) continue;
      const [width, height] = extent;
      const spots = spotsFor(box, width, height);
      const x = (spot) => Math.max(frame[0], Math.min(spot[0], frame[2] - width));
      const found = spots.map((spot) => [x(spot), spot[1], x(spot) + width, spot[1] + height]).find(free);
      if (found) {
        taken.push(found);
        return { x: found[0], y: found[1], size };
      }
    }
    const size = sizes.length - 1, [width, height] = sizes[size];
    return {
      x: Math.max(frame[0], Math.min(box[0], frame[2] - width)),
      y: Math.max(frame[1], Math.min(box[1], frame[3] - height)), size,
    };
  });
}

// Above and below the box at its left and right edge, inside its corners, beside it.
function spotsFor([x1, y1, x2, y2], width, height) {
  const right = x2 - width, bottom = y2 - height;
  return [
    [x1, y1 - height], [x1, y1], [x1, y2], [right, y1 - height], [right, y1], [x1, bottom],
    [right, bottom], [right, y2], [x2, y1], [x1 - width, y1], [(x1 + x2 - width) / 2, (y1 + y2 - height) / 2],
  ];
}
