// What several models see on one picture: a colour and a dash for each model, a row for each thing, first
// those that only some of them see, and a table of how far every two agree. Rows and boxes point at each other.
// `props.value`, as JSON: {picture: {url, width, height, name}, models: [{name, state, tone, colour, dash,
//   answered}], things: [{phrase, disputed, iou, seen: [{model, box, sure}]}], agreement: [[share or null]], busy}
// `drawRegion` is of canvas/shapes.js, which stands before this.
const find = (selector) => element.querySelector(selector);
const root = find('.consensus'), models = find('.consensus-models'), summary = find('.consensus-summary');
const stage = find('.consensus-stage'), image = find('.consensus-stage img'), overlay = find('.overlay');
const things = find('.consensus-things'), agreement = find('.consensus-agreement');
let value = {}, shown = '', shownUrl = '';

const translate = (words) => (typeof words === 'string' ? say.whole(words) : say(words.words, words.values));
const share = (part) => (part === null ? '–' : part.toFixed(2));

function node(name, className, words = '') {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = words;
  return made;
}

// The line of a model, as it is on the picture.
function swatch({ colour, dash }) {
  const line = shape('svg', { viewBox: '0 0 34 10', width: 34, height: 10, 'aria-hidden': 'true' }, 'swatch');
  const ends = { x1: 1, y1: 5, x2: 33, y2: 5 };
  line.append(shape('line', ends, 'edge'), shape('line', { ...ends, stroke: colour, 'stroke-dasharray': dash.map((d) => d * 3).join(' ') }, 'stroke'));
  return line;
}

function light(index, on) {
  root.classList.toggle('focused', on);
  for (const part of root.querySelectorAll('[data-thing]'))
    part.classList.toggle('hot', on && Number(part.dataset.thing) === index);
}

function pointing(target, index) {
  target.dataset.thing = index;
  for (const [event, on] of [['pointerenter', true], ['focusin', true], ['pointerleave', false], ['focusout', false]])
    target.addEventListener(event, () => light(index, on));
}

function boxesOf(thing, index) {
  const group = shape('g', {}, 'thing');
  for (const { model, box } of thing.seen) {
    const { colour, dash, name } = value.models[model], parts = drawRegion({ box }, colour);
    parts.at(-1).style.strokeDasharray = dash.map((length) => length * 3).join(' ');
    parts.at(-1).dataset.model = name;
    group.append(...parts);
  }
  pointing(group, index);
  return group;
}

function modelLine({ name, state, tone, colour, dash }) {
  const item = node('li', tone);
  item.append(swatch({ colour, dash }), node('b', '', name), node('span', '', translate(state)));
  return item;
}

function heading(first, middle, last = []) {
  const row = document.createElement('tr');
  for (const words of [first, ...middle, ...last]) {
    const cell = node('th', '', words);
    cell.scope = 'col';
    row.append(cell);
  }
  return row;
}

function thingRow(thing, index) {
  const row = node('tr', thing.disputed ? 'disputed' : ''), name = node('th', '');
  const button = node('button', '', thing.phrase);
  button.type = 'button';
  button.dir = 'auto';
  button.addEventListener('click', () => { button.focus(); stage.scrollIntoView({ block: 'nearest', behavior: 'smooth' }); });
  name.scope = 'row';
  name.append(button);
  const seen = new Map(thing.seen.map((one) => [one.model, one]));
  const answered = value.models.filter((one) => one.answered).length;
  row.append(name, node('td', 'count', say('{n} of {total}', { n: seen.size, total: answered })));
  value.models.forEach((model, at) => {
    const one = seen.get(at), cell = node('td', one ? 'yes' : 'no');
    cell.append(node('span', '', one ? '✓' : model.answered ? '✗' : '…'));
    cell.append(node('span', 'sr-only', one ? say('seen') : model.answered ? say('not seen') : say('no answer')));
    if (one && one.sure) cell.append(' ', node('small', '', one.sure));
    row.append(cell);
  });
  row.append(node('td', 'iou', seen.size > 1 ? share(thing.iou) : '–'));
  pointing(row, index);
  return row;
}

function agreementRow(shares, at) {
  const row = document.createElement('tr'), name = node('th', '', value.models[at].name);
  name.scope = 'row';
  row.append(name);
  shares.forEach((part, other) => {
    const cell = node('td', at === other ? 'self' : '', at === other ? '' : share(part));
    if (at !== other && part !== null) cell.style.setProperty('--share', `${Math.round(part * 60)}%`);
    row.append(cell);
  });
  return row;
}

function sentence() {
  const list = value.things || [], disputed = list.filter((thing) => thing.disputed).length;
  const answered = value.models.filter((one) => one.answered).length;
  if (!answered) return value.busy ? '' : say('No model has answered.');
  if (!list.length) return value.busy ? '' : say('None of them sees anything.');
  if (answered < 2) return value.busy ? '' : say('Only one model has answered: there is nothing to compare.');
  if (!disputed && list.length === 1) return say('One thing, seen by all models.');
  if (!disputed) return say('All {n} things are seen by all models.', { n: list.length });
  return say('Seen by all: {agreed}. Seen by some: {disputed}, which come first.', { agreed: list.length - disputed, disputed });
}

function draw() {
  const { picture, models: asked, things: list, agreement: matrix } = value;
  if (picture.url !== shownUrl) {
    shownUrl = picture.url;
    image.src = picture.url;
    image.width = picture.width;
    image.height = picture.height;
    image.alt = picture.name;
  }
  stage.hidden = false;
  models.replaceChildren(...asked.map(modelLine));
  const words = sentence();
  if (summary.textContent !== words) summary.textContent = words;
  const state = JSON.stringify([list, matrix, asked.map(({ name, answered }) => [name, answered])]);
  if (state === shown) return;  // rows that are pointed at stay
  shown = state;
  overlay.replaceChildren(...list.map(boxesOf));
  things.hidden = !list.length;
  const names = asked.map(({ name }) => name);
  things.tHead.replaceChildren(heading(say('Thing'), [say('Seen by'), ...names], [say('Overlap')]));
  things.tBodies[0].replaceChildren(...list.map(thingRow));
  agreement.hidden = asked.filter(({ answered }) => answered).length < 2;
  agreement.tHead.replaceChildren(heading('', names));
  agreement.tBodies[0].replaceChildren(...matrix.map(agreementRow));
}

function show() {
  value = JSON.parse(props.value || '{}');
  root.hidden = !value.picture;
  root.classList.toggle('busy', Boolean(value.busy));
  if (value.picture) draw(); else shown = '';
}

things.caption.textContent = say('Things, and which models see them');
agreement.caption.textContent = say('How far each pair of models agrees (mean IoU; an unmatched box counts 0)');
watch('value', show);
show();
