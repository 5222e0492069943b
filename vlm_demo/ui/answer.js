// An answer as it grows: text whose phrases carry the colour of their regions, and a copy button.
// `props.value`, as JSON: {parts: [{text, colour, mention}], thought, busy, note, tone,
//   shares: [{text, share, percent, colour}], orders: [{order, best, percent}]}
const text = element.querySelector('.answer-text'), note = element.querySelector('.answer-note');
const draft = element.querySelector('.answer-thought');
const shares = element.querySelector('.answer-shares'), orders = element.querySelector('.answer-orders');
const card = element.querySelector('.answer'), copy = element.querySelector('.answer-copy');

function part({ text: words, colour, mention }) {
  if (!colour) return document.createTextNode(words);
  const mark = document.createElement('mark');
  mark.textContent = words;
  mark.style.setProperty('--colour', colour);
  for (const [event, on] of [['pointerenter', true], ['pointerleave', false]])
    mark.addEventListener(event, () => document.dispatchEvent(
      new CustomEvent('vlm-mention', { detail: { board: card.dataset.board, index: mention, on } })));
  return mark;
}

function item(...cells) {
  const row = document.createElement('li');
  for (const [name, words] of cells) {
    const cell = document.createElement('span');
    cell.className = name;
    cell.textContent = words;
    row.append(cell, ' ');
  }
  return row;
}

function bar({ text: words, share, percent, colour }) {
  const row = item(['choice', words], ['percent', percent]), track = document.createElement('i'), fill = document.createElement('b');
  fill.style.width = `${share * 100}%`;
  fill.style.background = colour;
  track.append(fill);
  track.setAttribute('aria-hidden', 'true');
  row.append(track);
  return row;
}

function show() {
  const {
    parts = [], thought = '', busy = false, note: line = '', tone = '', shares: bars = [], orders: asked = [],
  } = JSON.parse(props.value || '{}');
  text.replaceChildren(...parts.map(part));
  draft.querySelector('p').textContent = thought;
  draft.hidden = !thought;
  note.textContent = line;
  note.hidden = !line;
  shares.replaceChildren(...bars.map(bar));
  shares.hidden = !bars.length;
  orders.replaceChildren(...asked.map(({ order, best, percent }) => item(['order', order], ['choice', best], ['percent', percent])));
  orders.hidden = !asked.length;
  copy.hidden = busy || !parts.length;
  card.hidden = !busy && !parts.length && !thought && !line;
  card.classList.toggle('busy', busy);
  card.setAttribute('aria-busy', String(busy));
  card.dataset.tone = tone;
}

copy.addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(text.textContent);
    copy.textContent = 'Copied';
  } catch (error) { copy.textContent = 'Press Ctrl+C'; getSelection().selectAllChildren(text); }
  setTimeout(() => { copy.textContent = 'Copy'; }, 1500);
});
watch('value', show);
show();
