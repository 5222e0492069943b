// Regions as SVG and as numbers. A region is {box: [x1, y1, x2, y2]}, {point: [x, y]} or
// {polygon: [[x, y], ...]}, in fractions of the picture.
const SVG = 'http://www.w3.org/2000/svg';
const percent = (fraction) => `${(fraction * 100).toFixed(3)}%`;
const clamp = (value, most = 1) => Math.min(most, Math.max(0, value));

function shape(name, attributes, className) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.setAttribute('class', className);
  return node;
}

// Draws a region (class box, outline or point) with an edge that keeps it visible on any picture.
function drawRegion(place, colour = 'none') {
  const paint = { stroke: colour, fill: colour };
  if (place.box) {
    const [x1, y1, x2, y2] = place.box;
    const at = { x: percent(x1), y: percent(y1), width: percent(x2 - x1), height: percent(y2 - y1) };
    return [shape('rect', at, 'edge'), shape('rect', { ...at, ...paint }, 'box')];
  }
  if (place.point) {
    const at = { cx: percent(place.point[0]), cy: percent(place.point[1]) };
    return [shape('circle', at, 'edge'), shape('circle', { ...at, fill: colour }, 'point')];
  }
  const corners = place.polygon.map(([x, y]) => `${x * 100},${y * 100}`).join(' ');
  const frame = shape('svg', { viewBox: '0 0 100 100', preserveAspectRatio: 'none', width: '100%', height: '100%' }, '');
  frame.append(shape('polygon', { points: corners }, 'edge'), shape('polygon', { points: corners, ...paint }, 'outline'));
  return [frame];
}

function boundsOf(place) {
  if (place.box) return place.box;
  const points = place.point ? [place.point] : place.polygon;
  const xs = points.map(([x]) => x), ys = points.map(([, y]) => y);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

// Returns a region scaled into other bounds.
function fitRegion(place, [x1, y1, x2, y2]) {
  if (place.box) return { box: [x1, y1, x2, y2] };
  if (place.point) return { point: [x1, y1] };
  const [left, top, right, bottom] = boundsOf(place);
  const into = (value, from, to, low, high) => low + (to > from ? (value - from) / (to - from) : 0) * (high - low);
  return { polygon: place.polygon.map(([x, y]) => [into(x, left, right, x1, x2), into(y, top, bottom, y1, y2)]) };
}

function moveRegion(place, across, down) {
  const [x1, y1, x2, y2] = boundsOf(place);
  const dx = Math.max(-x1, Math.min(across, 1 - x2)), dy = Math.max(-y1, Math.min(down, 1 - y2));
  return fitRegion(place, [x1 + dx, y1 + dy, x2 + dx, y2 + dy]);
}

const toLine = ([px, py], [ax, ay], [bx, by]) => {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  const along = length ? clamp(((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length) : 0;
  return Math.hypot(px - ax - along * (bx - ax), py - ay - along * (by - ay));
};

function cornersOf(place) {
  if (!place.box) return place.polygon;
  const [x1, y1, x2, y2] = place.box;
  return [[x1, y1], [x2, y1], [x2, y2], [x1, y2]];
}

// Returns the distance of a point from the line of a region, in pixels of a picture shown in `size`.
function distance(place, point, [width, height]) {
  const inPixels = ([x, y]) => [x * width, y * height], at = inPixels(point);
  if (place.point) {
    const [x, y] = inPixels(place.point);
    return Math.hypot(at[0] - x, at[1] - y);
  }
  const corners = cornersOf(place).map(inPixels);
  return Math.min(...corners.map((corner, index) => toLine(at, corner, corners[(index + 1) % corners.length])));
}

// Tells whether a point is inside a region, by the even-odd rule, as SVG fills it here.
function contains(place, [x, y]) {
  if (place.point) return false;
  const corners = cornersOf(place);
  return corners.reduce((inside, [ax, ay], index) => {
    const [bx, by] = corners[(index + 1) % corners.length];
    return ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax) ? !inside : inside;
  }, false);
}

// Returns a hand-drawn line with fewer points, none more than `off` away from it (Douglas and Peucker).
function simplifyLine(points, off) {
  if (points.length < 3) return points;
  const [first, last] = [points[0], points.at(-1)];
  let worst = 0, at = 0;
  points.forEach((point, index) => {
    const far = toLine(point, first, last);
    if (far > worst) [worst, at] = [far, index];
  });
  if (worst <= off) return [first, last];
  return [...simplifyLine(points.slice(0, at + 1), off).slice(0, -1), ...simplifyLine(points.slice(at), off)];
}
