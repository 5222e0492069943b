// The catalogue as a table that is searched and filtered in the browser.
// `props.value`, as JSON: {free, models: [{name, family, size, parameters, licence, commercial,
//   memory, smallest, bytes, fits, can, languages, unavailable, loaded, unverified, scores, rating}], chosen}
// A click on a row is sent as the event `select` with the name of its model.
const find = (selector) => element.querySelector(selector);
const search = find('.search-words'), body = find('tbody'), count = find('.count');
const order = find('select[name="order"]'), quick = [...element.querySelectorAll('.quick button')];
const filters = [...element.querySelectorAll('.filters select')], boxes = [...element.querySelectorAll('.ticks input')];
const clear = find('.clear'), nothing = find('.none'), scroller = find('.scroller');
let models = [], chosen = '', rows = new Map();

const cell = (text, className, below = '') => {
  const node = document.createElement('td');
  node.className = className;
  node.setAttribute('role', 'cell');
  node.append(text);
  if (below) {
    const small = document.createElement('small');
    small.textContent = below;
    node.append(small);
  }
  return node;
};

function withDoubt(text, certain) {
  if (certain || !text) return text;
  const node = document.createElement('span');
  const mark = Object.assign(document.createElement('span'), { className: 'doubt', textContent: '?' });
  mark.title = say('This could not be checked');
  node.append(text, ' ', mark);
  return node;
}

function row(model) {
  const node = document.createElement('tr');
  node.setAttribute('role', 'row');
  const name = document.createElement('button');
  name.type = 'button';
  name.textContent = say(model.title);
  const about = [model.title === model.name ? '' : model.name, say(model.family), say(model.unavailable)];
  const first = cell(name, 'name', about.filter(Boolean).join(' · '));
  if (model.loaded) name.after(Object.assign(document.createElement('b'), { className: 'badge', textContent: say('loaded') }));
  const isVerified = (field) => !model.unverified.includes(field);
  node.append(
    first,
    cell(withDoubt(model.size, isVerified('parameters')), 'size'),
    cell(withDoubt(say(model.licence), isVerified('licence')), 'licence', say('commercial: {whether}', { whether: say(model.commercial) })),
    cell(model.memory, 'memory', model.smallest),
    cell(say(model.fits.words), `fits ${model.fits.tone}`),
    cell('', 'score'),
    cell(model.rating === null ? '–' : String(model.rating), 'rating'),
  );
  node.classList.toggle('elsewhere', Boolean(model.unavailable));
  node.dataset.name = model.name;
  node.addEventListener('click', () => choose(model.name));
  return node;
}

function choose(name) {
  mark(name);
  trigger('select', { name });
}

function mark(name) {
  chosen = name;
  for (const [other, node] of rows) {
    node.classList.toggle('chosen', other === name);
    node.querySelector('button').setAttribute('aria-pressed', String(other === name));
  }
}

const SIZES = %SIZES%, LICENCES = %LICENCES%;
const TESTS = {
  can: (model, wanted) => model.can.includes(wanted),
  size: (model, wanted) => model.parameters >= SIZES[wanted][0] && model.parameters < SIZES[wanted][1],
  licence: (model, wanted) => LICENCES[wanted].includes(model.commercial),
  language: (model, wanted) => model.languages.includes(wanted),
  here: (model) => !model.unavailable,
  fitting: (model) => model.fits.tone === 'good',
  memory: (model, wanted) => Object.values(model.bytes).some((bytes) => bytes !== null && bytes <= Number(wanted) * 1e9),
};

function matches(model) {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const said = [...model.can, ...model.languages];
  const text = [model.name, say(model.title), model.family, model.licence, ...said, ...said.map((one) => say(one))].join(' ').toLowerCase();
  return words.every((word) => text.includes(word))
    && filters.every((filter) => !filter.value || TESTS[filter.name](model, filter.value))
    && boxes.every((box) => !box.checked || TESTS[box.name](model));
}

function filterRows() {
  let found = 0;
  for (const model of models) {
    const fits = matches(model);
    rows.get(model.name).hidden = !fits;
    found += fits;
  }
  arrangeRows();
  count.textContent = say('{found} of {all} models', { found, all: models.length });
  nothing.hidden = found > 0 || !models.length;
  find('.loading').hidden = models.length > 0;
  count.hidden = !models.length;
  for (const button of quick) button.setAttribute('aria-pressed', String(filters.find(({ name }) => name === button.dataset.filter).value === button.dataset.value));
  clear.hidden = !search.value && filters.every((filter) => !filter.value) && boxes.every((box) => !box.checked);
}

// Scores are of the benchmark that most models have a score on, among those that show the wanted ability.
function chooseBenchmark() {
  const can = filters.find(({ name }) => name === 'can').value, often = new Map();
  for (const { scores } of models) for (const one of scores) if (!can || one.can.includes(can)) often.set(one.benchmark, (often.get(one.benchmark) || 0) + 1);
  return [...often.keys()].sort((one, other) => often.get(other) - often.get(one) || (one < other ? -1 : 1))[0];
}

function arrangeRows() {
  const benchmark = chooseBenchmark(), isMeasured = benchmark !== undefined || models.some(({ rating }) => rating !== null);
  element.querySelector('table').classList.toggle('measured', isMeasured);
  const values = new Map(models.map(({ name, scores }) => [name, scores.find((one) => one.benchmark === benchmark)]));
  for (const { name } of models) {
    const score = values.get(name), node = rows.get(name).querySelector('td.score');
    node.textContent = score ? score.value.toFixed(1) : '–';
    if (score) node.append(Object.assign(document.createElement('small'), { textContent: say(score.title) }));
  }
  // "up to 8 GB" asks for what is best there, as far as anything was measured
  const asked = order.value || (filters.some(({ value }) => value) && benchmark !== undefined ? 'score' : '');
  const value = {
    score: ({ name }) => values.get(name)?.value, rating: ({ rating }) => rating ?? undefined, memory: ({ bytes }) => (bytes['4-bit'] === null ? undefined : -bytes['4-bit']),
  }[asked];
  const sorted = value ? [...models].sort((one, other) => (value(other) ?? -Infinity) - (value(one) ?? -Infinity) || 0) : models;
  const wanted = sorted.map(({ name }) => rows.get(name));
  if (wanted.some((node, index) => body.children[index] !== node)) body.append(...wanted);
}

function press(button) {
  const filter = filters.find(({ name }) => name === button.dataset.filter);
  filter.value = filter.value === button.dataset.value ? '' : button.dataset.value;
  filterRows();
}

function offerLanguages() {
  const filter = find('select[name="language"]');
  const often = new Map();
  for (const model of models) for (const language of model.languages) often.set(language, (often.get(language) || 0) + 1);
  const names = [...often.keys()].sort((one, other) => often.get(other) - often.get(one));
  const kept = filter.value;
  filter.replaceChildren(filter.options[0], ...names.map((name) => new Option(say(name), name)));
  filter.value = often.has(kept) ? kept : '';
}

// Only rows that have changed are built: building hundreds takes longer than showing the tab.
function draw(listed) {
  const names = listed.map(({ name }) => name).join('\n'), sameModels = names === [...rows.keys()].join('\n');
  rows = new Map(listed.map((model) => {
    const state = JSON.stringify(model), old = rows.get(model.name);
    if (old && old.state === state) return [model.name, old];
    const made = Object.assign(row(model), { state });
    if (sameModels) old.replaceWith(made);
    return [model.name, made];
  }));
  if (!sameModels) body.replaceChildren(...rows.values());
}

const ROWS_AT_ONCE = 24; // more than are in sight

// At first, those in sight are built; the rest when the view has been painted.
function show() {
  const value = JSON.parse(props.value || '{}'), all = value.models || [];
  if (rows.size || all.length <= ROWS_AT_ONCE) return fill(value, all);
  fill(value, all.slice(0, ROWS_AT_ONCE));
  requestAnimationFrame(() => setTimeout(show));
}

function fill(value, listed) {
  const top = scroller.scrollTop;
  models = listed;
  draw(models);
  find('.free').textContent = value.free ? say(value.free) : '';
  offerLanguages();
  mark(value.chosen || chosen);
  filterRows();
  scroller.scrollTop = top;
}

search.addEventListener('input', filterRows);
for (const button of quick) button.addEventListener('click', () => press(button));
for (const control of [...filters, ...boxes, order]) control.addEventListener('change', filterRows);
clear.addEventListener('click', () => {
  search.value = '';
  for (const filter of filters) filter.value = '';
  for (const box of boxes) box.checked = false;
  filterRows();
  search.focus();
});
watch('value', show);
show();
