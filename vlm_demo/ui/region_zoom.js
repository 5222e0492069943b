// What a board of a group does beyond region_image.js, of which this is the continuation: its picture is
// looked at closely, and all boards of the group show the same part of theirs. A view is `scale` times as
// large as the picture fits, from the fractions `x` and `y` of it on. The layers of places grow with the
// picture, their lines and labels do not.
const WHOLE = { scale: 1, x: 0, y: 0 };
const FAR_ENOUGH = 8;  // a picture of many pixels goes on until each is two wide
let view = WHOLE;
const fingers = new Map();

function look(wanted) {
  const most = Math.max(FAR_ENOUGH, 2 * image.naturalWidth / (image.clientWidth || 1));
  const scale = Math.min(most, Math.max(1, wanted.scale)), room = 1 - 1 / scale;
  const x = Math.min(room, Math.max(0, wanted.x)), y = Math.min(room, Math.max(0, wanted.y));
  view = { scale, x, y };
  image.style.transform = scale > 1 ? `translate(${percent(-x * scale)}, ${percent(-y * scale)}) scale(${scale})` : '';
  for (const layer of [overlay, labels])
    Object.assign(layer.style, { left: percent(-x * scale), top: percent(-y * scale), width: percent(scale), height: percent(scale) });
  stage.classList.toggle('zoomed', scale > 1);
  find('.whole').textContent = `${Math.round(scale * 100)} %`;
}

function lookTogether(wanted) {
  look(wanted);
  document.dispatchEvent(new CustomEvent('vlm-view', { detail: { group, view, from: board } }));
}

// Magnify around a point of the board (fractions of it), which stays where it is.
function zoom(factor, [left, top] = [0.5, 0.5]) {
  const scale = Math.max(1, view.scale * factor);
  lookTogether({ scale, x: view.x + left / view.scale - left / scale, y: view.y + top / view.scale - top / scale });
}

const pan = (across, down) => lookTogether({ ...view, x: view.x - across / view.scale, y: view.y - down / view.scale });

const onStage = (event) => {
  const frame = stage.getBoundingClientRect();
  return [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
};
const middle = (points) => [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
const apart = ([a, b]) => (b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 1);

stage.tabIndex = 0;
stage.setAttribute('role', 'group');
stage.setAttribute('aria-label', 'Picture. Plus and minus zoom, the arrow keys move, 0 shows all of it.');
const step = 1.4, far = 0.1;
const buttons = { '.in': () => zoom(step), '.out': () => zoom(1 / step), '.whole': () => lookTogether(WHOLE) };
for (const [name, action] of Object.entries(buttons)) find(name).addEventListener('click', action);
stage.addEventListener('wheel', (event) => {
  if (!event.ctrlKey) return;  // also what a pinch on a touchpad comes as; without, the page scrolls
  event.preventDefault();
  zoom(Math.exp(-event.deltaY / 200), onStage(event));
}, { passive: false });
stage.addEventListener('dblclick', (event) => {
  if (event.target.closest('.zooms')) return;
  view.scale > 1 ? lookTogether(WHOLE) : zoom(3, onStage(event));
});
stage.addEventListener('pointerdown', (event) => {
  if (event.button || event.target.closest('.zooms')) return;
  fingers.set(event.pointerId, onStage(event));
  if (view.scale > 1) stage.setPointerCapture(event.pointerId);
});
stage.addEventListener('pointermove', (event) => {
  if (!fingers.has(event.pointerId)) return;
  const before = [...fingers.values()];
  fingers.set(event.pointerId, onStage(event));
  const now = [...fingers.values()], [x, y] = middle(now), [oldX, oldY] = middle(before);
  if (view.scale > 1) pan(x - oldX, y - oldY);
  if (now.length > 1) zoom(apart(now) / apart(before), [x, y]);
});
for (const name of ['pointerup', 'pointercancel', 'pointerleave'])
  stage.addEventListener(name, (event) => fingers.delete(event.pointerId));
stage.addEventListener('keydown', (event) => {
  if (event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
  const moves = { ArrowLeft: [far, 0], ArrowRight: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] };
  if (['+', '='].includes(event.key)) zoom(step);
  else if (event.key === '-') zoom(1 / step);
  else if (event.key === '0') lookTogether(WHOLE);
  else if (moves[event.key] && view.scale > 1) pan(...moves[event.key]);
  else return;
  event.preventDefault();
});
document.addEventListener('vlm-view', ({ detail }) => {
  if (detail.group === group && detail.from !== board) look(detail.view);
});

arrived.push(() => look(WHOLE));
find('.zooms').hidden = false;
