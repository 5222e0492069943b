// An answer as it grows: text whose phrases carry the colour of their regions, and a copy button.
// `props.value`, as JSON: {parts: [{text, colour, mention}], thought, busy, note, tone}
const text = element.querySelector('.answer-text'), note = element.querySelector('.answer-note');
const draft = element.querySelector('.answer-thought');
const card = element.querySelector('.answer'), copy = element.querySelector('.answer-copy');

function part({ text: words, colour, mention }) {
  if (!colour) return document.createTextNode(words);
  const mark = document.createElement('mark');
  mark.textContent = words;
  mark.style.setProperty('--colour', colour);
  for (const [event, on] of [['pointerenter', true], ['pointerleave', false]])
    mark.addEventListener(event, () => document.dispatchEvent(
      new CustomEvent('vlm-mention', { detail: { board: props.board, index: mention, on } })));
  return mark;
}

function show() {
  const { parts = [], thought = '', busy = false, note: line = '', tone = '' } = JSON.parse(props.value || '{}');
  text.replaceChildren(...parts.map(part));
  draft.querySelector('p').textContent = thought;
  draft.hidden = !thought;
  note.textContent = line;
  note.hidden = !line;
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
