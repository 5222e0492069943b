// The card of a link that was opened: what it asks, and what is missing before it can be asked again.
const card = element.querySelector('.link-card');
let shownTab = '';

function line(words, className) {
  const node = document.createElement('p');
  node.className = className;
  node.textContent = words;
  return node;
}

function button(words, event, className) {
  const node = document.createElement('button');
  node.type = 'button';
  node.className = className;
  node.textContent = words;
  node.addEventListener('click', () => trigger(event));
  return node;
}

// The browser opens the tab that a link is about, once.
function open(tab) {
  if (!tab || tab === shownTab) return;
  shownTab = tab;
  const click = () => {
    const node = document.getElementById(`${tab}-tab-button`);
    if (node) node.click(); else requestAnimationFrame(click);
  };
  click();
}

function show() {
  const content = JSON.parse(props.value || '{}');
  card.dataset.run = content.run || '';
  card.hidden = !content.closes;
  if (!content.closes) { card.replaceChildren(); return; }
  const lines = content.problem ? [line(say.whole(content.problem), 'link-problem')] : [
    line(say('This link asks {model}: “{words}”', { model: content.model, words: content.words }), 'link-title'),
    ...content.notes.map((note) => line(say(note.words, note.values), 'link-note')),
  ];
  const buttons = document.createElement('span');
  buttons.className = 'link-buttons';
  if (content.ask) buttons.append(button(say('Ask it anyway'), 'submit', 'primary'));
  buttons.append(button(say('Close'), 'clear', ''));
  card.replaceChildren(...lines, buttons);
  open(content.tab);
}
watch('value', show);
show();
