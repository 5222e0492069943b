// A picture on the page: it comes in by drop, paste or choice, carries regions as an SVG overlay,
// names them as chips, and lets a person drag a box. `props.value` is what the server shows, as JSON:
//   {picture: {url, width, height, name} | null, mentions: [{phrase, colour, boxes, points, polygons,
//   sure, boxesSure}]}
// (how sure the model is of the phrase and of each box, in words) with coordinates as fractions of the
// picture. What the person does goes back as events. A board of a group takes nothing
// in: one looks at its picture, and all boards of the group show the same part of theirs.
const SVG = 'http://www.w3.org/2000/svg';
const find = (selector) => element.querySelector(selector);
const board = find('.board'), stage = find('.stage'), image = find('.stage img');
const overlay = find('.overlay'), labels = find('.labels'), legend = find('.legend');
const drop = find('.drop'), chooser = find('.drop input'), tools = find('.tools'), hint = find('.hint');
const { name: ownName, group } = board.dataset;
const arrived = [];  // what else is done when another picture comes
const hidden = new Set();
let selection = null, start = null, shownUrl = null, shownMentions = '';

const percent = (fraction) => `${(fraction * 100).toFixed(3)}%`;
const clamp = (value) => Math.min(1, Math.max(0, value));
let value = {};
const mentions = () => value.mentions || [];

function shape(name, attributes, className) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.setAttribute('class', className);
  return node;
}

function rectangle([x1, y1, x2, y2], className, colour) {
  const place = { x: percent(x1), y: percent(y1), width: percent(x2 - x1), height: percent(y2 - y1) };
  return [shape('rect', place, 'edge'), shape('rect', { ...place, stroke: colour, fill: colour }, className)];
}

function outline(points, colour) {
  const corners = points.map(([x, y]) => `${x * 100},${y * 100}`).join(' ');
  const frame = shape('svg', { viewBox: '0 0 100 100', preserveAspectRatio: 'none', width: '100%', height: '100%' }, '');
  frame.append(shape('polygon', { points: corners, stroke: colour, fill: colour }, 'outline'));
  return frame;
}

function named(node, phrase, sure) {
  const name = document.createElement('span');
  name.textContent = phrase;
  node.append(name);
  if (!sure) return;
  const share = document.createElement('small');
  share.textContent = sure;
  node.append(' ', share);
}

function label(phrase, sure, colour, [x1, y1, x2]) {
  const node = document.createElement('span');
  node.className = 'label';
  named(node, phrase, sure);
  node.style.background = colour;
  // Near an edge the label goes inside, so that it is never cut off.
  if (x1 > 0.6) node.style.right = percent(1 - x2); else node.style.left = percent(x1);
  node.style.top = percent(y1);
  if (y1 > 0.09) node.classList.add('above');
  return node;
}

function drawMention(mention, index) {
  const group = shape('g', { 'data-mention': index }, 'mention');
  for (const [at, box] of mention.boxes.entries()) {
    const [edge, rect] = rectangle(box, 'box', mention.colour);
    rect.setAttribute('data-phrase', mention.phrase);
    group.append(edge, rect);
    if (mention.phrase) {
      const name = label(mention.phrase, mention.boxesSure[at], mention.colour, box);
      name.dataset.mention = index;
      labels.append(name);
    }
  }
  for (const [x, y] of mention.points)
    group.append(shape('circle', { cx: percent(x), cy: percent(y), r: 7, fill: mention.colour }, 'point'));
  for (const polygon of mention.polygons) group.append(outline(polygon, mention.colour));
  overlay.append(group);
}

function highlight(index, on) {
  board.classList.toggle('focused', on);
  for (const node of element.querySelectorAll('[data-mention]'))
    node.classList.toggle('hot', on && node.dataset.mention === String(index));
}

const places = (mention) => mention.boxes.length + mention.points.length + mention.polygons.length;

function chip(mention, index) {
  const count = places(mention);
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'chip';
  button.dataset.mention = index;
  button.setAttribute('aria-pressed', String(!hidden.has(index)));
  const dot = document.createElement('i');
  dot.style.background = mention.colour;
  button.append(dot);
  named(button, (mention.phrase || 'unnamed') + (count > 1 ? ` × ${count}` : ''), mention.sure);
  button.title = 'Show or hide on the picture';
  for (const [event, on] of [['pointerenter', true], ['focus', true], ['pointerleave', false], ['blur', false]])
    button.addEventListener(event, () => highlight(index, on));
  button.addEventListener('click', () => {
    hidden.has(index) ? hidden.delete(index) : hidden.add(index);
    draw();
  });
  return button;
}

function draw() {
  overlay.replaceChildren();
  labels.replaceChildren();
  mentions().forEach((mention, index) => { if (!hidden.has(index)) drawMention(mention, index); });
  if (selection) {
    const [edge, rect] = rectangle(selection, 'selection', '#ffffff');
    overlay.append(edge, rect);
  }
  const state = JSON.stringify([mentions().map((m) => [m.phrase, m.sure, places(m)]), [...hidden]]);
  if (state === shownMentions) return;  // rebuilding the chips would take the focus from them
  shownMentions = state;
  const chips = mentions().flatMap((mention, index) => places(mention) ? [chip(mention, index)] : []);
  legend.replaceChildren(...chips);
  legend.hidden = !chips.length;
}

function show() {
  value = JSON.parse(props.value || '{}');
  const picture = value.picture;
  const url = picture ? picture.url : null;
  if (url !== shownUrl) {
    shownUrl = url;
    selection = null;
    hidden.clear();
    arrived.forEach((act) => act());
    if (picture) {
      image.src = url;
      image.width = picture.width;
      image.height = picture.height;
      image.alt = picture.name;
    } else image.removeAttribute('src');
  }
  board.hidden = !picture && Boolean(group);
  drop.hidden = Boolean(picture || group);
  stage.hidden = !picture;
  tools.hidden = !picture || Boolean(group);
  hint.hidden = !picture || !props.selectable;
  draw();
}

async function take(files) {
  const file = [...files].find((candidate) => candidate.type.startsWith('image/') || /\.(heic|heif|avif)$/i.test(candidate.name)) || files[0];
  if (!file) return;
  if (file.size > props.largest) { trigger('upload', { too_large: file.size }); return; }
  board.classList.add('busy');
  try { trigger('upload', { path: (await upload(file)).path }); }
  catch (error) { trigger('upload', { failed: true }); }
  finally { board.classList.remove('busy'); chooser.value = ''; }
}

const place = (event) => {
  const frame = image.getBoundingClientRect();
  return [clamp((event.clientX - frame.left) / frame.width), clamp((event.clientY - frame.top) / frame.height)];
};
const spanned = ([ax, ay], [bx, by]) => [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
const report = () => trigger('select', { box: selection });

if (props.selectable) {
  stage.classList.add('selectable');
  stage.tabIndex = 0;
  stage.setAttribute('role', 'group');
  stage.setAttribute('aria-label', 'Picture. Drag to mark a region, or use the arrow keys to move one and Shift with the arrow keys to resize it. Escape removes it.');
  stage.addEventListener('pointerdown', (event) => {
    if (event.button) return;
    start = place(event);
    stage.setPointerCapture(event.pointerId);
    stage.focus({ preventScroll: true });
    event.preventDefault();
  });
  stage.addEventListener('pointermove', (event) => {
    if (!start) return;
    selection = spanned(start, place(event));
    draw();
  });
  const end = (event) => {
    if (!start) return;
    const box = spanned(start, place(event));
    start = null;
    // A click without a drag takes the selection away.
    selection = event.type === 'pointerup' && box[2] - box[0] > 0.01 && box[3] - box[1] > 0.01 ? box : null;
    draw();
    report();
  };
  stage.addEventListener('pointerup', end);
  stage.addEventListener('pointercancel', end);
  stage.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: [-0.02, 0], ArrowRight: [0.02, 0], ArrowUp: [0, -0.02], ArrowDown: [0, 0.02] }[event.key];
    if (event.key === 'Escape') selection = null;
    else if (step) {
      let [x1, y1, x2, y2] = selection || [0.3, 0.3, 0.7, 0.7];
      if (event.shiftKey) { x2 = clamp(Math.max(x1 + 0.02, x2 + step[0])); y2 = clamp(Math.max(y1 + 0.02, y2 + step[1])); }
      else if (x1 + step[0] >= 0 && x2 + step[0] <= 1 && y1 + step[1] >= 0 && y2 + step[1] <= 1) { x1 += step[0]; x2 += step[0]; y1 += step[1]; y2 += step[1]; }
      selection = [x1, y1, x2, y2];
    } else return;
    event.preventDefault();
    draw();
    report();
  });
}

if (!group) {
  chooser.addEventListener('change', () => take(chooser.files));
  find('.replace').addEventListener('click', () => chooser.click());
  find('.remove').addEventListener('click', () => trigger('clear'));
  for (const event of ['dragenter', 'dragover'])
    board.addEventListener(event, (e) => { e.preventDefault(); board.classList.add('over'); });
  for (const event of ['dragleave', 'drop'])
    board.addEventListener(event, (e) => { e.preventDefault(); board.classList.remove('over'); });
  board.addEventListener('drop', (event) => take(event.dataTransfer.files));
  document.addEventListener('paste', (event) => {
    const files = event.clipboardData ? event.clipboardData.files : [];
    if (files.length && board.offsetParent !== null) { event.preventDefault(); take(files); }
  });
}
// Coloured phrases elsewhere on the page point at their regions here.
document.addEventListener('vlm-mention', (event) => {
  if (event.detail.board === ownName) highlight(event.detail.index, event.detail.on);
});
watch('value', show);
show();
