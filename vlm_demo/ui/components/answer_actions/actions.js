// The bar under an answer. `props.value`, as JSON:
//   {questions, standings: [{model, iou, hits, extra, questions}], score: {words, places: [{overlap,
//   hit, found}], hits, extra} | null, busy: [at, of, model] | null}
// or, for something to do once, `once`: {id, url and name of a file | link | go: a tab | problem: words}.
// What is left out stays as it was. Buttons send events; a file is made only when it is asked for.
const root = element.querySelector('.answer-actions');
const { tab, scores, turns } = root.dataset;
const shown = { questions: 0, standings: [], score: null, busy: null };
let handled = 0;

const FORMATS = [
  ['png', say('Picture with boxes (PNG)')], ['svg', say('Drawing (SVG)')],
  ['marks', say('Picture with numbers (PNG)')], ['json', 'JSON'], ['csv', say('Table (CSV)')],
  ['coco', 'COCO'], ['yolo', 'YOLO (ZIP)'], ['voc', 'Pascal VOC'], ['crops', say('Cut-outs (ZIP)')],
];

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}
const button = (words, act, className = '') =>
  make('button', { type: 'button', className, textContent: words, onclick: act });

const format = make('select', {});
format.setAttribute('aria-label', say('Format'));
for (const [value, words] of FORMATS) format.append(make('option', { value, textContent: words }));
const extent = make('select', {});
extent.setAttribute('aria-label', say('How much'));
extent.append(make('option', { value: '', textContent: say('This answer') }), make('option', { value: 'all', textContent: say('Whole conversation') }));
extent.hidden = !turns;
const save = button(say('Download'), () => trigger('download', { form: format.value, all: Boolean(extent.value) }), 'save');
const number = button(say('Number the boxes'), () => trigger('apply'));
number.title = say('Makes a picture with numbers, to ask about “3” in the chat');
const link = button(say('Link'), () => trigger('copy'));
link.title = say('Makes a link that asks this again, without the picture');
const opener = button(say('Draw the ground truth'), () => unfold(panel.hidden));
opener.title = say('Scores the answer against boxes that you draw');

const address = make('input', { readOnly: true, className: 'address' });
address.setAttribute('aria-label', say('Link'));
address.addEventListener('focus', () => address.select());
const copied = make('span', { className: 'copied' });
copied.setAttribute('role', 'status');
const linked = make('div', { className: 'linked', hidden: true }, address,
  button(say('Copy'), () => copy()), copied);

const problem = make('p', { className: 'notice', hidden: true });
problem.setAttribute('role', 'alert');

const panel = make('section', { className: 'truth', hidden: true });
panel.setAttribute('aria-label', say('Draw the ground truth'));
const chooser = make('input', { type: 'file', accept: '.zip', hidden: true });
chooser.addEventListener('change', async () => {
  const [file] = chooser.files;
  if (!file) return;
  try { trigger('upload', { path: (await upload(file)).path }); }
  catch (error) { trigger('upload', {}); }
  chooser.value = '';
});
const result = make('div', { className: 'result' });
result.setAttribute('role', 'status');
const own = make('div', { className: 'own' });

function unfold(open) {
  panel.hidden = !open;
  opener.setAttribute('aria-expanded', String(open));
  if (open) trigger('expand');
}

async function copy() {
  try { await navigator.clipboard.writeText(address.value); }
  catch (error) { address.select(); document.execCommand('copy'); }  // without https there is no clipboard
  copied.textContent = say('Copied');
}

function measured(score) {
  const count = score.places.length;
  const title = make('p', { className: score.hits === count ? 'good' : 'bad' },
    score.hits === count && count === 1 ? say('Hit') : say('{hits} of {count} hit', { hits: score.hits, count }));
  const places = make('ol', {}, ...score.places.map((place) => make('li', { className: place.hit ? 'hit' : 'miss' },
    place.found ? say('IoU {overlap}', { overlap: place.overlap }) : say('nothing found here'),
    make('b', { textContent: place.hit ? say('hit') : say('miss') }))));
  const extra = score.extra ? [make('p', { textContent: say('Places of the answer that match no ground truth: {count}', { count: score.extra }) })] : [];
  return [title, places, ...extra];
}

function ranked() {
  const head = [say('Model'), say('Mean IoU'), say('Hits'), say('Wrong places'), say('Questions')];
  const rows = shown.standings.map((one) => make('tr', {},
    ...[one.model, one.iou, one.hits, one.extra, one.questions].map((value) => make('td', { textContent: value }))));
  const columns = head.map((words) => Object.assign(make('th', { textContent: words }), { scope: 'col' }));
  return make('table', {}, make('thead', {}, make('tr', {}, ...columns)), make('tbody', {}, ...rows));
}

function draw() {
  result.replaceChildren(...(shown.score ? measured(shown.score) : []));
  const count = shown.questions;
  const title = make('h3', { textContent: count > 1 ? say('Your benchmark: {count} questions', { count }) : count ? say('Your benchmark: one question') : say('Your benchmark') });
  const busy = shown.busy
    ? [make('p', { className: 'busy', textContent: say('Asking {model}: {at} of {count}…', { at: shown.busy[0], count: shown.busy[1], model: shown.busy[2] }) }), button(say('Stop'), () => trigger('stop'))]
    : [];
  const acts = count ? [
    button(say('Run the chosen model on all questions'), () => trigger('play')),
    button(say('Save as ZIP'), () => trigger('release')),
    button(say('Open a ZIP'), () => chooser.click()),
    button(say('Delete it'), () => trigger('delete')),
  ] : [button(say('Open a ZIP'), () => chooser.click())];
  const empty = make('p', { textContent: say('Every answer that you score becomes a question of your benchmark, until you leave the page. Save it as a ZIP to keep it.') });
  own.replaceChildren(title, ...(count ? [ranked()] : [empty]), make('div', { className: 'acts' }, ...(shown.busy ? busy : acts)));
}

function handle(once) {
  if (once.id === handled) return;
  handled = once.id;
  if (once.url) {
    const anchor = make('a', { href: once.url, download: once.name });
    anchor.click();
  }
  if (once.link) {
    address.value = `${location.origin}${location.pathname}${once.link}`;
    linked.hidden = false;
    copied.textContent = '';
    copy();
  }
  if (once.problem) { problem.textContent = say.whole(once.problem); problem.hidden = false; }
  if (once.go) document.getElementById(`${once.go}-tab-button`).click();
}

function show() {
  const { once, ...content } = JSON.parse(props.value || '{}');
  if (once) handle(once);
  else { Object.assign(shown, content); draw(); }
}

root.addEventListener('click', () => { problem.hidden = true; });
root.append(make('div', { className: 'row' },
  make('span', { className: 'joined' }, format, extent, save), number, link, ...(scores ? [opener] : [])), linked, problem);
if (scores) {
  opener.setAttribute('aria-expanded', 'false');
  const steps = make('ol', { className: 'steps' },
    make('li', { textContent: say('Draw a box on the picture around everything that should have been found.') }),
    make('li', {}, button(say('Score the answer'), () => trigger('submit'), 'score')));
  panel.append(steps, result, own, chooser);
  root.append(panel);
}
watch('value', show);
draw();
show();
