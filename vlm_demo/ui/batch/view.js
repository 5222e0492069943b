// A batch: its progress, its newest results as a table, and its buttons. `props.value`, as JSON:
//   {code, title, task, words, model, state, done, failed, total, again, leftOut, perS, leftS, problem,
//    newest: {name, url}, rows: [{name, thumbnail, boxes, text, places, error}], failures: [the same]}
// or {problem} alone, or {file: {url, name, id}} for the browser to save. What a person does is sent
// as the events pause, play, stop, select {name} and download {form}.
const find = (selector) => element.querySelector(selector);
const findAll = (selector) => [...element.querySelectorAll(selector)];
const run = find('.batch-run'), notice = find('.notice'), bar = find('progress'), body = find('tbody');
const STATES = {
  loading: say('Loading the model…'), running: say('Running'), pausing: say('Finishing the images in progress…'), paused: say('Paused'),
  stopped: say('Stopped'), failed: say('Stopped by an error'), finished: say('Finished'),
};
const BUSY = ['loading', 'running', 'pausing'];
let value = {}, show = 'rows', chosen = '', drawn = '', saved = 0, spoken = '';

function time(seconds) {
  const minutes = Math.round(seconds / 60);
  if (seconds < 90) return say('{n} s', { n: Math.round(seconds) });
  if (minutes < 90) return say('{n} min', { n: minutes });
  return say('{h} h {n} min', { h: Math.floor(minutes / 60), n: minutes % 60 });
}

function facts() {
  const { done, failed, total, perS, leftS, leftOut, state } = value;
  const said = [say('{done} of {total} images', { done: done + failed, total })];
  if (failed) said.push(say('{n} failed', { n: failed }));
  if (state === 'running' && perS) {
    said.push(perS >= 1 ? say('{n} per second', { n: perS.toFixed(1) }) : say('{n} s each', { n: (1 / perS).toFixed(1) }));
    if (leftS) said.push(say('about {time} left', { time: time(leftS) }));
  }
  if (leftOut) said.push(say('other files left out: {n}', { n: leftOut }));
  return said.join(' · ');
}

function cell(className, ...content) {
  const node = document.createElement('td');
  node.className = className;
  node.append(...content);
  return node;
}

// The picture in small, with its boxes.
function thumbnail({ thumbnail: url, boxes }) {
  const figure = document.createElement('span'), NS = 'http://www.w3.org/2000/svg';
  figure.className = 'thumb';
  if (!url) return figure;
  const image = document.createElement('img'), shapes = document.createElementNS(NS, 'svg');
  image.src = url;
  image.alt = '';
  image.loading = 'lazy';
  shapes.setAttribute('viewBox', '0 0 1 1');
  shapes.setAttribute('preserveAspectRatio', 'none');
  for (const [x, y, width, height, colour] of boxes) {
    const shape = document.createElementNS(NS, 'rect');
    for (const [name, side] of Object.entries({ x, y, width, height, stroke: colour })) shape.setAttribute(name, side);
    shapes.append(shape);
  }
  const frame = document.createElement('span');
  frame.append(image, shapes);
  figure.append(frame);
  return figure;
}

function row(result) {
  const node = document.createElement('tr'), name = document.createElement('button');
  name.type = 'button';
  name.textContent = result.name;
  name.dataset.name = result.name;
  name.title = say('Show this image');
  node.classList.toggle('failed', Boolean(result.error));
  const note = document.createElement('small');
  note.textContent = result.error || !result.note ? '' : say(result.note);
  node.append(
    cell('name', thumbnail(result), name),
    cell('text', result.error ? say(result.error) : result.text, note),
    cell('places', result.places ? String(result.places) : ''),
  );
  node.addEventListener('click', () => {
    chosen = result.name;
    mark();
    trigger('select', { name: result.name });
  });
  return node;
}

function mark() {
  for (const button of body.querySelectorAll('button')) {
    const on = button.dataset.name === chosen;
    button.closest('tr').classList.toggle('chosen', on);
    button.setAttribute('aria-pressed', String(on));
  }
}

function list() {
  const results = value[show] || [], now = JSON.stringify(results);
  if (now === drawn) return;
  drawn = now;
  const focused = body.contains(document.activeElement) ? document.activeElement.dataset.name : null;
  body.replaceChildren(...results.map(row));
  if (!results.length) {
    const nothing = cell('nothing', say('No image has failed.'));
    nothing.colSpan = 3;
    body.append(document.createElement('tr'));
    body.firstChild.append(nothing);
  }
  mark();
  if (focused !== null) [...body.querySelectorAll('button')].find((one) => one.dataset.name === focused)?.focus();
}

function draw() {
  const busy = BUSY.includes(value.state), settled = value.done + value.failed;
  find('.batch-empty').hidden = Boolean(value.code) || Boolean(value.problem);
  notice.hidden = !value.problem;
  notice.textContent = value.problem ? say(value.problem) : '';
  run.hidden = !value.code;
  if (!value.code) return;
  find('.batch-title').textContent = [say(value.task), value.words && `“${value.words}”`, value.title, value.model]
    .filter(Boolean).join(' · ');
  find('.batch-code').textContent = say('Code: {code}', { code: value.code });
  const image = find('.batch-head img');
  image.hidden = !value.newest.url || !busy;
  if (value.newest.url) image.src = value.newest.url;
  image.title = value.newest.name;
  if (value.state === 'loading') bar.removeAttribute('value');
  else bar.value = value.total ? settled / value.total : 0;
  bar.setAttribute('aria-label', say('Progress of the batch'));
  const state = STATES[value.state];
  find('.batch-line b').textContent = state;
  find('.batch-line span').textContent = facts();
  if (spoken !== state) find('.batch-run [role="status"]').textContent = `${state}. ${facts()}`;
  spoken = state;
  const finished = value.state === 'finished', again = find('[data-do="play"]');
  const offered = { pause: ['running', 'loading'].includes(value.state), stop: busy, play: !busy && (!finished || value.again) };
  for (const [action, shown] of Object.entries(offered)) find(`[data-do="${action}"]`).hidden = !shown;
  again.textContent = finished ? say('Try the failed ones again') : say('Resume');
  find('.batch-files').hidden = !settled;
  find('.batch-results').hidden = !settled;
  const [all, failed] = findAll('[data-show]');
  all.textContent = settled > value.rows.length ? say('The newest {n}', { n: value.rows.length }) : say('All {n}', { n: settled });
  failed.textContent = say('Failed {n}', { n: value.failed });
  list();
}

function take() {
  const fresh = JSON.parse(props.value || '{}');
  element.querySelector('.batch').classList.remove('preparing');
  if (fresh.file) {
    if (fresh.file.id === saved) return;
    saved = fresh.file.id;
    const link = document.createElement('a');
    link.href = fresh.file.url;
    link.download = fresh.file.name;
    link.click();
    return;
  }
  if (fresh.code !== value.code) chosen = drawn = '';
  value = fresh;
  draw();
}

for (const button of findAll('[data-do]')) button.addEventListener('click', () => trigger(button.dataset.do, {}));
for (const button of findAll('[data-form]'))
  button.addEventListener('click', () => {
    element.querySelector('.batch').classList.add('preparing');
    trigger('download', { form: button.dataset.form });
  });
for (const button of findAll('[data-show]'))
  button.addEventListener('click', () => {
    show = button.dataset.show;
    for (const other of findAll('[data-show]')) other.setAttribute('aria-pressed', String(other === button));
    list();
  });
watch('value', take);
take();
