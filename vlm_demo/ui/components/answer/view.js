// An answer as it grows: text whose phrases look like their regions and are linked with them. Before it, what
// it waits for; in its place, what went wrong and what can be done. `props.value`, as JSON:
//   {parts: [{text, colour, dash, mention, placeless}], reasoning, busy, notes: [words], tone, pace: [words],
//   things: [{name, state, count, colour, dash, mention}],
//   shares: [{text, share, percent, colour}], orders: [{order, best, percent}],
//   waiting: {words, stage, share}, problem: {words, remedies: [{action, words, choice}]}}
// where words are a string, or {words, values} to be translated in the browser.
const find = (selector) => element.querySelector(selector);
const card = find('.answer'), text = find('.answer-text'), note = find('.answer-note');
const reasoningFold = find('.answer-reasoning'), pace = find('.answer-pace'), copy = find('.answer-copy');
const shares = find('.answer-shares'), orders = find('.answer-orders'), things = find('.answer-things');
const wait = find('.answer-waiting'), stage = find('.answer-stage'), bar = find('.answer-waiting progress');
const problem = find('.answer-problem'), ways = find('.answer-remedies');
const { canvas, run, field, picture } = card.dataset;
const LINE = 2.5;  // pixels under a phrase; dashes are in widths of their line
let drawn = [], offered = '';

// Sets only what has changed: a screen reader would read the same text again.
function fill(node, words) {
  if (node.textContent !== words) node.textContent = words;
  node.hidden = !words;
}

// Phrases and regions light each other up, by an event that both listen to.

const mention = (index, on) => document.dispatchEvent(
  new CustomEvent('vlm-mention', { detail: { canvas, index, on, from: 'words' } }));

// A line under the phrase with the dashes of its regions on the picture; without dashes, a solid one.
function line(dash) {
  if (!dash.length) return 'linear-gradient(var(--colour), var(--colour))';
  let at = 0;
  const stops = dash.flatMap((length, index) => {
    const colour = index % 2 ? 'transparent' : 'var(--colour)', from = at;
    at += length * LINE;
    return [`${colour} ${from}px`, `${colour} ${at}px`];
  });
  return `repeating-linear-gradient(90deg, ${stops.join(', ')})`;
}

function phrase({ colour, dash, mention: index }) {
  const mark = document.createElement('mark');
  mark.style.setProperty('--colour', colour);
  mark.style.setProperty('--line', line(dash));
  mark.dataset.mention = index;
  if (!canvas) return mark;
  mark.title = say('Show on the image');
  const point = (on) => {
    mention(index, on);
    const held = text.querySelector('mark:focus');
    if (!on && held && held !== mark) mention(Number(held.dataset.mention), true);
  };
  mark.addEventListener('pointerenter', () => point(true));
  mark.addEventListener('pointerleave', () => { if (mark !== document.activeElement) point(false); });
  mark.addEventListener('focus', () => point(true));
  mark.addEventListener('blur', () => point(false));
  linkMark(mark, canvas, point);
  return mark;
}

function placeless() {
  const node = document.createElement('span');
  node.className = 'placeless';
  node.title = say('The answer has no box for this');
  return node;
}

function node(part) {
  const made = part.colour ? phrase(part) : part.placeless ? placeless() : document.createTextNode('');
  if (made.nodeType === Node.ELEMENT_NODE) made.dir = 'auto';
  made.textContent = part.text;
  return made;
}

const alike = (a, b) => a && a.mention === b.mention && a.colour === b.colour && a.placeless === b.placeless;

// Changes only what differs from the last step, so that 50 phrases stay fast and none loses the focus.
function write(parts) {
  const following = text.scrollHeight - text.scrollTop - text.clientHeight < 8;
  parts.forEach((part, index) => {
    const old = text.childNodes[index];
    if (!old) text.append(node(part));
    else if (!alike(drawn[index], part)) old.replaceWith(node(part));
    else if (drawn[index].text !== part.text) old.textContent = part.text;
  });
  while (text.childNodes.length > parts.length) text.lastChild.remove();
  drawn = parts;
  if (following && text.scrollHeight > text.clientHeight) text.scrollTop = text.scrollHeight;
  if (text.scrollHeight > text.clientHeight + 1) text.tabIndex = 0; else text.removeAttribute('tabindex');
}

// A region was pointed at: its phrase lights up, and scrolls into view.
document.addEventListener('vlm-mention', ({ detail }) => {
  if (!canvas || detail.canvas !== canvas) return;
  for (const mark of card.querySelectorAll('mark')) {
    const hot = detail.on && Number(mark.dataset.mention) === detail.index;
    mark.classList.toggle('hot', hot);
    if (!hot || detail.from === 'words' || !text.contains(mark)) continue;
    const above = mark.offsetTop - text.scrollTop, below = above + mark.offsetHeight - text.clientHeight;
    if (above < 0) text.scrollTop += above; else if (below > 0) text.scrollTop += below;
  }
});

// Several things that were looked for: how often each was found

function thing({ name, state, count, ...look }, busy) {
  const row = document.createElement('li'), mark = look.colour ? phrase(look) : document.createElement('span');
  mark.dir = 'auto';
  mark.textContent = name;
  const result = document.createElement('span');
  result.className = 'result';
  const otherwise = busy ? '…' : state === 'none' ? say('not found') : state === 'found' ? '0' : say('unclear');
  result.textContent = count ? String(count) : otherwise;
  row.dataset.state = state;
  row.append(mark, ' ', result);
  return row;
}

let listed = '';

function list(found, busy) {
  const state = JSON.stringify([found, busy]);
  if (state === listed) return;  // rebuilding the list would take the focus from it
  listed = state;
  things.replaceChildren(...found.map((one) => thing(one, busy)));
  things.hidden = !found.length;
}

// Possible answers that were compared

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

function share({ text: words, share: part, percent, colour }) {
  const row = item(['choice', words], ['percent', percent]), track = document.createElement('i'), filled = document.createElement('b');
  filled.style.width = `${part * 100}%`;
  filled.style.background = colour;
  track.append(filled);
  track.setAttribute('aria-hidden', 'true');
  row.append(track);
  return row;
}

// What went wrong, and what can be done

const asks = () => document.querySelector(run);
const chooser = () => document.querySelector(`${picture} input[type=file]`);
const example = () => card.closest('[role=tabpanel]')?.querySelector('.examples button');
const words = () => [...document.querySelectorAll(`${field} textarea, ${field} input`)].find((one) => one.offsetParent);
// What each action needs on the page, and does with it; the server does the others.
const acts = {
  again: [() => run, () => press()],  // the button may be a moment away
  picture: [picture && chooser, (input) => input.click()],
  example: [example, (button) => button.click()],
  words: [field && words, (input) => { input.focus(); input.select(); }],
};

function remedy({ action, words: line, choice }) {
  const [needed, act] = acts[action] || [];
  if (act && !(needed && needed())) return [];
  const button = document.createElement('button');
  button.type = 'button';
  button.dataset.action = action;
  button.textContent = say(line);
  button.addEventListener('click', () => {
    if (act) { const target = needed(); if (target) act(target); return; }
    for (const other of ways.children) other.disabled = true;
    trigger('select', { action, choice });
  });
  return [button];
}

function offer(remedies) {
  const state = JSON.stringify(remedies);
  if (state === offered) return;  // rebuilding the buttons would take the focus from them
  offered = state;
  ways.replaceChildren(...remedies.flatMap(remedy));
  ways.hidden = !ways.children.length;
}

// Asks again, once the server has done what was chosen and the button can be pressed.
function press(left = 100) {
  const button = asks();
  if (button && !button.disabled) button.click();
  else if (left) setTimeout(press, 50, left - 1);
}

function show() {
  const {
    parts = [], reasoning = '', busy = false, notes = [], tone = '', pace: facts = [], shares: compared = [],
    things: found = [],
    orders: asked = [], waiting = null, problem: failure = null,
  } = JSON.parse(props.value || '{}');
  write(parts);
  text.setAttribute('aria-busy', String(busy));
  fill(stage, waiting ? say(waiting.stage) : '');
  stage.hidden = false;
  fill(wait.querySelector('span'), waiting ? say(waiting.words) : '');
  wait.hidden = !waiting;
  bar.hidden = !waiting || waiting.share === null;
  if (!bar.hidden) bar.value = waiting.share;
  fill(problem.querySelector('p'), failure ? say(failure.words) : '');
  problem.hidden = !failure;
  offer(failure ? failure.remedies : []);
  fill(reasoningFold.querySelector('p'), reasoning);
  reasoningFold.hidden = !reasoning;
  fill(note, notes.map((line) => say(line)).join('\n'));
  fill(pace, busy ? '' : facts.map((line) => say(line)).join(' · '));
  list(found, busy);
  shares.replaceChildren(...compared.map(share));
  shares.hidden = !compared.length;
  orders.replaceChildren(...asked.map(({ order, best, percent }) => item(['order', order], ['choice', best], ['percent', percent])));
  orders.hidden = !asked.length;
  copy.hidden = busy || !parts.length;
  card.hidden = !busy && !parts.length && !found.length && !reasoning && !note.textContent && !failure;
  card.classList.toggle('busy', busy);
  card.classList.toggle('failed', Boolean(failure));
  card.classList.toggle('writing', busy && !waiting);
  card.dataset.tone = failure ? 'failed' : tone;
}

find('summary').textContent = say('Reasoning');
things.setAttribute('aria-label', say('How often each thing was found'));
shares.setAttribute('aria-label', say('How probable each answer is'));
orders.setAttribute('aria-label', say('The answer in each order'));
copy.textContent = say('Copy');
copy.addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(text.textContent);
    copy.textContent = say('Copied');
  } catch (error) { copy.textContent = say('Press Ctrl+C'); getSelection().selectAllChildren(text); }
  setTimeout(() => { copy.textContent = say('Copy'); }, 1500);
});
watch('value', show);
show();
