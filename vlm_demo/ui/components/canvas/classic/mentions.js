// The mentions of an answer on a canvas, with their labels and chips. Only what has changed is drawn again: an
// answer may grow by many regions a second, and the focus stays where it is.
const LABEL_ROOM = [14, 4];  // around the words of a label, in pixels, as in canvas.css
const MANY = 8;  // mentions beyond which colours repeat, and chips show the numbers of labels

const shorten = (words) => (words.length > MAX_LABEL_CHARACTERS ? `${words.slice(0, MAX_LABEL_CHARACTERS - 1)}…` : words);
const pixels = (size) => `${size}px`;

function element(name, className, words = '') {
  const node = document.createElement(name);
  node.className = className;
  if (words) node.textContent = words;
  return node;
}

// Appends a phrase of a model: shortened, in its own direction, with its confidence.
function appendName(node, phrase, sure) {
  const name = element('span', '', shorten(phrase));
  name.dir = 'auto';
  node.append(name);
  if (sure) node.append(' ', element('small', '', sure));
}

function createMentions(canvas) {
  const { root, stage, overlay, labels, legend } = canvas;
  const shown = new Map();  // index of a mention: {key, mention, group, labels, chip}
  const hidden = new Set();
  const pen = document.createElement('canvas').getContext('2d');
  let pointed = null, pinned = null, fontSize = 13, placing = 0;

  function drawMention(mention, index) {
    const group = shape('g', { 'data-mention': index }, 'mention');
    const names = [];
    for (const place of mention.places) {
      const parts = drawRegion(place, mention.colour);
      group.append(...parts);
      for (const part of parts)
        for (const line of part.matches('.box') ? [part] : part.querySelectorAll('.outline'))
          line.style.strokeDasharray = mention.dash.map((length) => `calc(var(--line) * ${length})`).join(' ');
      const label = element('span', 'label');
      label.dataset.mention = index;
      label.style.background = mention.colour;
      appendName(label, mention.phrase || String(index + 1), place.sure);
      if (mention.phrase.length > MAX_LABEL_CHARACTERS) label.title = mention.phrase;
      names.push({ node: label, box: boundsOf(place), words: label.textContent, index });
    }
    return { group, names };
  }

  function swatch({ colour, dash }) {
    const dot = element('i', '');
    dot.style.background = colour;
    if (!dash.length) return dot;
    let at = 0;
    const stops = dash.map((length, turn) => {
      const from = at;
      at += length * 2;
      return `${turn % 2 ? 'transparent' : colour} ${from}px ${at}px`;
    });
    dot.className = 'dashed';
    dot.style.background = `repeating-linear-gradient(90deg, ${stops.join(', ')})`;
    return dot;
  }

  function chipFor(mention, index) {
    if (!mention.places.length) {
      const note = element('span', mention.unsure ? '' : 'chip nowhere');
      note.hidden = mention.unsure;
      if (!mention.unsure) appendName(note, mention.phrase, say('not found on the picture'));
      return note;
    }
    const chip = element('button', 'chip'), count = mention.places.length;
    chip.type = 'button';
    chip.dataset.mention = index;
    chip.dataset.number = index + 1;
    chip.append(swatch(mention));
    const phrase = mention.phrase || say('unnamed {n}', { n: index + 1 });
    appendName(chip, count > 1 ? `${shorten(phrase)} × ${count}` : phrase, mention.sure);
    chip.title = phrase.length > MAX_LABEL_CHARACTERS ? phrase : say('Show or hide on the picture');
    chip.classList.toggle('unnamed', !mention.phrase);
    for (const [event, on] of [['pointerenter', true], ['focus', true], ['pointerleave', false], ['blur', false]])
      chip.addEventListener(event, () => point(index, on));
    chip.addEventListener('click', () => {
      hidden.has(index) ? hidden.delete(index) : hidden.add(index);
      setHidden(index);
    });
    return chip;
  }

  function setHidden(index) {
    const { group, names, chip } = shown.get(index), away = hidden.has(index);
    // Removed, not only made invisible, so that the page holds what is seen.
    away ? group.remove() : insert(overlay, group, index);
    for (const { node } of names) away ? node.remove() : labels.append(node);
    if (chip.type === 'button') chip.setAttribute('aria-pressed', String(!away));
    arrangeSoon();
  }

  function insert(parent, node, index) {
    const last = parent.lastElementChild, behind = (child) => Number(child.dataset.mention) > index;
    parent.insertBefore(node, last && behind(last) ? [...parent.children].find(behind) : null);
  }

  function drop(index) {
    const { group, names, chip } = shown.get(index);
    [group, chip, ...names.map(({ node }) => node)].forEach((node) => node.remove());
    shown.delete(index);
  }

  function draw(mentions) {
    for (const index of [...shown.keys()]) if (index >= mentions.length) drop(index);
    mentions.forEach((mention, index) => {
      const key = JSON.stringify(mention), before = shown.get(index);
      if (before && before.key === key) return;
      const { group, names } = drawMention(mention, index);
      if (before && before.mention.phrase === mention.phrase && before.mention.sure === mention.sure
          && before.mention.places.length === mention.places.length) {
        before.group.remove();
        before.names.forEach(({ node }) => node.remove());
        shown.set(index, { ...before, key, mention, group, names });
      } else {
        const chip = chipFor(mention, index), focused = before && before.chip === document.activeElement;
        before ? before.chip.replaceWith(chip) : legend.insertBefore(chip, legend.children[index] || null);
        if (before) [before.group, ...before.names.map(({ node }) => node)].forEach((node) => node.remove());
        shown.set(index, { key, mention, group, names, chip });
        if (focused) chip.focus();
      }
      setHidden(index);
      light(index);
    });
    legend.classList.toggle('many', mentions.length > MANY);
    legend.hidden = ![...legend.children].some((chip) => !chip.hidden);
    arrangeSoon();
  }

  const arrangeSoon = () => { cancelAnimationFrame(placing); placing = requestAnimationFrame(arrange); };

  // Puts the labels where they do not cover each other, in the visible part of the picture.
  function arrange() {
    const frame = stage.getBoundingClientRect(), sheet = canvas.sheet.getBoundingClientRect();
    if (!sheet.width || !frame.width) return;
    const side = Math.min(sheet.width, sheet.height) / canvas.zoom.scale;
    fontSize = Math.round(Math.min(14, Math.max(10.5, side / 30)));
    stage.style.setProperty('--line', pixels(Math.min(4, Math.max(1.5, side / 170)).toFixed(1)));
    stage.style.setProperty('--label', pixels(fontSize));
    pen.font = `650 ${fontSize}px ${getComputedStyle(stage).fontFamily}`;
    const width = (words) => Math.min(pen.measureText(words).width + LABEL_ROOM[0], frame.width * 0.6, 280);
    const height = fontSize * 1.35 + LABEL_ROOM[1];
    const names = [...shown.values()].flatMap((one) => (hidden.has(one.names[0]?.index) ? [] : one.names));
    const seen = [frame.left - sheet.left, frame.top - sheet.top, frame.right - sheet.left, frame.bottom - sheet.top];
    let room = MAX_LABEL_COVERAGE * frame.width * frame.height;
    const items = names.map(({ box: [x1, y1, x2, y2], words, index }, at) => {
      const inWords = [width(words), height];
      room -= inWords[0] * height;
      return {
        box: [x1 * sheet.width, y1 * sheet.height, x2 * sheet.width, y2 * sheet.height],
        sizes: [room > 0 || !at ? inWords : null, [width(String(index + 1)) - 4, height], [8, 8]],
      };
    });
    placeLabels(items, seen).forEach((spot, at) => {
      const { node, index } = names[at];
      node.style.display = spot ? '' : 'none';
      if (!spot) return;
      node.style.transform = `translate(${spot.x.toFixed(1)}px, ${spot.y.toFixed(1)}px)`;
      node.classList.toggle('number', spot.size === 1);
      node.classList.toggle('dot', spot.size === 2);
      if (spot.size === 1) node.dataset.number = index + 1;
    });
  }

  // Pointing

  const lit = () => (pointed === null ? pinned : pointed);

  function light(index) {
    const one = shown.get(index);
    if (!one) return;
    for (const node of [one.group, one.chip, ...one.names.map((name) => name.node)])
      node.classList.toggle('hot', index === lit());
  }

  function lightUp(index) {
    const before = lit();
    pointed = index;
    root.classList.toggle('focused', lit() !== null);
    light(before);
    light(lit());
  }

  const tell = (index, on) => document.dispatchEvent(
    new CustomEvent('vlm-mention', { detail: { canvas: canvas.name, index, on, from: 'canvas' } }));

  function point(index, on) {
    if (on ? pointed === index : pointed !== index) return;
    const before = lit();
    lightUp(on ? index : null);
    if (before !== null && before !== lit()) tell(before, false);
    if (lit() !== null && before !== lit()) tell(lit(), true);
  }

  function indexAt(point) {
    const { width, height } = canvas.sheet.getBoundingClientRect();
    const near = (place) => contains(place, point) || distance(place, point, [width, height]) < (place.point ? 12 : 4);
    const area = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);
    let best = null, least = Infinity;
    for (const [index, { mention }] of shown) {
      if (hidden.has(index)) continue;
      for (const place of mention.places)
        if (area(boundsOf(place)) < least && near(place)) [best, least] = [index, area(boundsOf(place))];
    }
    return best;
  }

  // Coloured phrases elsewhere on the page light up their regions here.
  document.addEventListener('vlm-mention', ({ detail }) => {
    if (detail.canvas === canvas.name && detail.from !== 'canvas') lightUp(detail.on ? detail.index : null);
  });
  canvas.looked.push(arrangeSoon);

  return {
    draw,
    hover: (place) => {
      const index = place && indexAt(place);
      if (index === null) { if (pointed !== null) point(pointed, false); } else point(index, true);
      stage.classList.toggle('over-place', index !== null);
    },
    // A tapped region stays lit until something else is tapped.
    tap: (place) => {
      const index = indexAt(place), before = lit();
      pointed = null;
      pinned = index === pinned ? null : index;
      if (before !== null && before !== pinned) tell(before, false);
      [before, pinned].forEach(light);
      root.classList.toggle('focused', pinned !== null);
      if (pinned !== null) tell(pinned, true);
      return index !== null;
    },
    forget: () => {
      hidden.clear();
      if (lit() !== null) tell(lit(), false);
      pointed = pinned = null;
      root.classList.remove('focused');
    },
  };
}
