// A checked answer: its text with a mark for each phrase, a summary, and a table of reasons.
// `props.value`, as JSON: {parts: [{text, finding}], findings: [{phrase, negated, count, verdict, why, thing,
//   placed, colour, dash}], summary: [words], busy}, where words are {words, values}. A verdict is supported,
//   not found, contradicted, pending or skipped; a sign and a line show it, and not colour alone.
const find = (selector) => element.querySelector(selector);
const card = find('.findings'), text = find('.findings-text'), summary = find('.findings-summary');
const table = find('.findings-table'), rows = find('tbody');
const { canvas } = card.dataset;
const SIGNS = { supported: '✓', 'not found': '?', contradicted: '✗', pending: '…', skipped: '–' };
const names = () => ({
  supported: say('supported'), 'not found': say('not found'), contradicted: say('contradicted'),
  pending: say('being looked for'), skipped: say('not looked for'),
});
let value = {}, drawnState = '';

const translate = (words) => (typeof words === 'string' ? say.whole(words) : say(words.words, words.values));
const verdict = ({ verdict: own }) => (own === 'pending' && !value.busy ? 'skipped' : own);

function node(name, className, words = '') {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = words;
  return made;
}

const tell = (index, on) => document.dispatchEvent(
  new CustomEvent('vlm-mention', { detail: { canvas, index, on, from: 'words' } }));

function light(thing, on) {
  for (const other of card.querySelectorAll('[data-thing]'))
    other.classList.toggle('hot', on && Number(other.dataset.thing) === thing);
}

function pointing(target, finding) {
  target.dataset.thing = finding.thing;
  const point = (on) => { light(finding.thing, on); tell(finding.thing, on); };
  for (const [event, on] of [['pointerenter', true], ['focusin', true], ['pointerleave', false], ['focusout', false]])
    target.addEventListener(event, () => point(on));
  return point;
}

function sign(finding) {
  const made = node('i', 'sign', `${SIGNS[verdict(finding)]}\u00a0`);  // no line break before its text
  made.setAttribute('aria-hidden', 'true');
  return made;
}

function phrase(words, finding) {
  const mark = node('mark', 'finding');
  mark.dataset.verdict = verdict(finding);
  mark.style.setProperty('--colour', finding.colour);
  mark.title = finding.why ? translate(finding.why) : names()[verdict(finding)];
  mark.append(sign(finding), words, node('span', 'sr-only', ` (${names()[verdict(finding)]})`));
  linkMark(mark, canvas, pointing(mark, finding));
  return mark;
}

function swatch({ placed, colour, dash }) {
  const dot = node('i', placed ? 'dot' : 'dot none');
  dot.style.borderColor = colour;
  if (dash.length) dot.style.borderStyle = 'dashed';
  return dot;
}

function row(finding) {
  const line = node('tr', 'finding-row'), name = node('th', ''), own = verdict(finding);
  line.dataset.verdict = own;
  name.scope = 'row';
  const words = node('span', '', finding.phrase);
  words.dir = 'auto';
  name.append(swatch(finding), words);
  if (finding.count) name.append(' ', node('small', '', `× ${finding.count}`));
  if (finding.negated) name.append(' ', node('small', 'denied', say('denied')));
  const verdictCell = node('td', 'verdict');
  verdictCell.append(sign(finding), names()[own]);
  line.append(name, verdictCell, node('td', 'why', finding.why ? translate(finding.why) : ''));
  pointing(line, finding);
  return line;
}

function draw() {
  const state = JSON.stringify([value.parts, value.findings, value.busy]);
  if (state === drawnState) return;  // keeps the focus where nothing has changed
  drawnState = state;
  const { parts = [], findings = [] } = value, held = document.activeElement?.closest?.('mark.finding');
  const at = held && text.contains(held) ? [...text.querySelectorAll('mark')].indexOf(held) : -1;
  text.replaceChildren(...parts.map((part) => (
    part.finding === undefined ? document.createTextNode(part.text) : phrase(part.text, findings[part.finding]))));
  if (at >= 0) text.querySelectorAll('mark')[at]?.focus({ preventScroll: true });
  rows.replaceChildren(...findings.map(row));
  table.hidden = !findings.length;
}

function show() {
  value = JSON.parse(props.value || '{}');
  const stopped = !value.busy && (value.findings || []).some((finding) => finding.verdict === 'pending');
  const line = stopped ? say('Stopped before everything was looked for') : (value.summary || []).map(translate).join(', ');
  if (summary.textContent !== line) summary.textContent = line;
  card.hidden = !value.parts;
  card.classList.toggle('busy', Boolean(value.busy));
  const found = (value.findings || []).map(verdict);
  card.dataset.tone = value.busy || !found.length ? '' : found.every((one) => one === 'supported') ? 'good' : 'bad';
  draw();
}

document.addEventListener('vlm-mention', ({ detail }) => {
  if (detail.canvas === canvas && detail.from !== 'words') light(detail.index, detail.on);
});
find('caption').textContent = say('The verdict on each phrase');
[say('Phrase'), say('Verdict'), say('Why')].forEach((words, at) => { card.querySelectorAll('thead th')[at].textContent = words; });
watch('value', show);
show();
