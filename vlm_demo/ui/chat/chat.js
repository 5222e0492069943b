// The strip above the canvas of the chat: pictures to choose from, and what the canvas shows. It also links
// the chat with the canvas, since Gradio lets no script into a message.
// Its content comes with the value of the canvas, so that a stream has one component less to update, as
// `thumbnails`: {pictures: [{url, name}], picture, turn, goesNext, markedOn, asked: [number of regions, by turn], notice}
const CANVAS = 'chat-canvas', HOVER_MS = 250;
const NEEDED = ['#chat', '#chat-box', '#chat-side', `#${CANVAS} .overlay`];

// The strip may be on the page before the other components.
(function begin() {
  const parts = NEEDED.map((selector) => document.querySelector(selector));
  parts.every(Boolean) ? link(...parts) : setTimeout(begin, 20);
})();

function link(chat, box, side, overlay) {
const find = (selector) => element.querySelector(selector);
const thumbs = find('.thumbs'), caption = find('.caption'), fold = find('.fold');
let value = { asked: [] }, drawn = '', lit = null, due = 0;

// Enter sends on keydown: Gradio waits for the keypress event, which comes later.
box.addEventListener('keydown', (event) => {
  const typed = event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
  const send = typed && event.target.matches('textarea') && box.querySelector('.submit-button');
  if (!send) return;
  event.preventDefault();
  send.click();
});

// What is shown

function thumb({ url, name }, index) {
  const button = document.createElement('button'), image = document.createElement('img');
  button.type = 'button';
  image.src = url;
  image.alt = say('Picture {n}: {name}', { n: index + 1, name });
  button.append(image);
  button.addEventListener('click', () => trigger('select', { picture: index }));
  return button;
}

function show(thumbnails) {
  const before = value.turn;
  value = thumbnails;
  if (before !== value.turn) for (const mark of chat.querySelectorAll('mark.hot')) mark.classList.remove('hot');
  const { pictures, picture, turn, goesNext, markedOn, notice } = value, key = JSON.stringify(pictures);
  if (key !== drawn) thumbs.replaceChildren(...pictures.map(thumb));
  drawn = key;
  thumbs.hidden = pictures.length < 2 && (picture !== null || !pictures.length);
  [...thumbs.children].forEach((button, index) => button.setAttribute('aria-pressed', String(index === picture)));
  const parts = [];
  if (picture !== null && pictures.length > 1) parts.push(say('Picture {n} of {all}', { n: picture + 1, all: pictures.length }));
  if (goesNext) parts.push(say('Goes with your next message'));
  else if (picture !== null && turn !== null && (pictures.length > 1 || turn + 1 < value.asked.length)) parts.push(say('Places of answer {n}', { n: turn + 1 }));
  if (markedOn !== null && markedOn !== picture) parts.push(say('Your regions are on picture {n}', { n: markedOn + 1 }));
  if (notice) parts.push(say(notice.words, notice.values));
  caption.textContent = parts.join(' · ');
  caption.hidden = !parts.length;
  side.classList.toggle('empty', picture === null);
  foldable();
  decorate();
  relight();
}

// On phones the canvas can be folded; without a picture it is folded until somebody wants to add one.

let open = null;
function foldable() {
  const shown = open === null ? value.picture !== null : open;
  side.classList.toggle('folded', !shown);
  fold.setAttribute('aria-expanded', String(shown));
  fold.textContent = value.picture === null ? say('Add a picture') : say('Picture');
}
fold.addEventListener('click', () => { open = side.classList.contains('folded'); foldable(); });

// Messages: regions as chips, what can be done with an answer

function decorate() {
  markAnswered(chat);
  for (const small of chat.querySelectorAll('small.pace:not(.done)')) {
    small.classList.add('done');
    small.append(...actions(small));
  }
  for (const prose of chat.querySelectorAll('.user-row .prose')) {
    const turn = turnOf(prose), count = value.asked[turn];
    if (count && !prose.querySelector('mark.region')) linkRegions(prose, turn, count);
  }
  for (const image of chat.querySelectorAll('img[alt=""]')) image.alt = say('A picture in the conversation');
  for (const bubble of chat.querySelectorAll('[data-testid="bot"][aria-label*="<"]')) bubble.removeAttribute('aria-label');
}

// A turn has one or more rows for the question, then those of the answer.
function turnOf(node) {
  const own = node.closest('.message-row');
  let turn = -1, asking = false;
  for (const row of chat.querySelectorAll('.message-row')) {
    const asks = row.classList.contains('user-row');
    if (asks && !asking) turn += 1;
    asking = asks;
    if (row === own) return turn;
  }
  return -1;
}

function actions(small) {
  const action = (words, act) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = words;
    button.addEventListener('click', () => act(button));
    return button;
  };
  return [
    action(say('Copy'), (button) => copy(small, button)),
    action(say('Pin as example'), () => trigger('like', { turn: turnOf(small) })),
  ];
}

async function copy(small, button) {
  const parts = [...small.closest('.bot-row').querySelectorAll('.prose')].filter((part) => !part.querySelector('small.said'));
  try {
    await navigator.clipboard.writeText(parts.map((part) => part.innerText.trim()).join('\n\n'));
    button.textContent = say('Copied');
  } catch (error) { button.textContent = say('Press Ctrl+C'); getSelection().selectAllChildren(parts.at(-1)); }
  setTimeout(() => { button.textContent = say('Copy'); }, 1500);
}

// [1] in a question becomes a mark that is linked with its region; regions that it does not name come last.
function linkRegions(prose, turn, count) {
  const named = new Set(), walker = document.createTreeWalker(prose, NodeFilter.SHOW_TEXT), texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    const parts = text.data.split(/(\[\d{1,2}\])/).map((part) => {
      const number = Number((/^\[(\d+)\]$/.exec(part) || [])[1]);
      if (!(number >= 1 && number <= count)) return part;
      named.add(number);
      return regionMark(turn, number);
    });
    if (parts.length > 1) text.replaceWith(...parts);
  }
  const others = Array.from({ length: count }, (_, index) => index + 1).filter((number) => !named.has(number));
  for (const number of others) prose.append(' ', regionMark(turn, number));
}

function regionMark(turn, number) {
  const mark = document.createElement('mark');
  mark.className = 'phrase region';
  mark.id = `chat-${turn}-${number - 1}`;
  mark.tabIndex = 0;
  mark.setAttribute('role', 'button');
  mark.textContent = `[${number}]`;
  return mark;
}

new MutationObserver(decorate).observe(chat, { childList: true, subtree: true });

// Phrases and places light each other up

const placeOf = (node) => {
  const mark = node.closest && node.closest('mark.phrase[id^="chat-"]');
  const [, turn, mention] = mark ? mark.id.split('-').map(Number) : [];
  return mark && chat.contains(mark) ? { mark, turn, mention } : null;
};

const tell = ({ turn, mention }, on) => document.dispatchEvent(new CustomEvent('vlm-mention', {
  detail: { canvas: CANVAS, turn, index: mention, on, from: 'words' },
}));

// A phrase of another answer, or on another picture, first brings its picture to the canvas.
const isShown = ({ turn, mention }) =>
  turn === value.turn && document.querySelector(`#${CANVAS} [data-mention="${mention}"]`);

function light(place) {
  clearTimeout(due);
  if (lit && place && lit.turn === place.turn && lit.mention === place.mention) return;
  if (lit && lit.turn === value.turn) tell(lit, false);
  lit = place;
  if (place && isShown(place)) tell(place, true);
}

function bring(place) {
  light(place);
  if (!isShown(place)) trigger('select', { turn: place.turn, mention: place.mention });
}

chat.addEventListener('pointerover', (event) => {
  const place = event.pointerType !== 'touch' && placeOf(event.target);
  if (!place) return;
  light(place);
  due = setTimeout(() => bring(place), HOVER_MS);
});
chat.addEventListener('pointerout', (event) => {
  if (event.pointerType !== 'touch' && placeOf(event.target)) light(null);
});
chat.addEventListener('focusin', (event) => { const place = placeOf(event.target); if (place) bring(place); });
chat.addEventListener('focusout', (event) => { if (placeOf(event.target)) light(null); });
chat.addEventListener('click', (event) => { const place = placeOf(event.target); if (place) bring(place); });
chat.addEventListener('keydown', (event) => {
  const place = ['Enter', ' '].includes(event.key) && placeOf(event.target);
  if (place) { event.preventDefault(); bring(place); }
});
// A picture that was brought is drawn a moment later.
function relight() { if (lit && isShown(lit)) tell(lit, true); }
new MutationObserver(relight).observe(overlay, { childList: true });

document.addEventListener('vlm-mention', ({ detail: { canvas, index, on, from } }) => {
  if (canvas !== CANVAS) return;
  const mark = value.turn !== null && document.getElementById(`chat-${value.turn}-${index}`);
  if (!mark) return;
  mark.classList.toggle('hot', on);
  if (on && from === 'canvas') mark.scrollIntoView({ block: 'nearest' });
});

// A picture that is pasted into the message goes to the message box alone.
box.addEventListener('paste', (event) => event.stopPropagation());

document.addEventListener('vlm-canvas', ({ detail: { canvas, value: { thumbnails } } }) => { if (canvas === CANVAS && thumbnails) show(thumbnails); });
show({ pictures: [], picture: null, turn: null, goesNext: false, markedOn: null, asked: [], notice: null });
}
