// Regions that a person marks on a picture: numbered from 1 in order, moved by their line or number, resized by
// handles, all of it by keyboard too. They belong to the picture that they are on. The event `select` tells the
// server of every change.
const LEAST_DRAG = 4;  // pixels of the screen; less is a click
const REACH = { mouse: 7, touch: 20, pen: 12 };  // pixels around a line or a handle
const NUDGE = 0.01;  // by an arrow key, of the picture's side
const ECHO_MS = 1500;  // time in which the echo of a report may come back
const REPORT_MS = 120;  // shortest time between two reports
const CURSORS = ['nwse', 'ns', 'nesw', 'ew', 'nwse', 'ns', 'nesw', 'ew'];

function createMarking(canvas) {
  const { stage, sheet, find } = canvas;
  const layer = find('.regions'), tags = find('.tags'), clear = find('.clear-regions'), said = find('.said');
  const toolButtons = [...canvas.root.querySelectorAll('[data-tool]')];
  let regions = [], selected = -1, tool = 'box', action = null, draft = null, reported = 0, due = 0, told = [];

  const size = () => { const { width, height } = sheet.getBoundingClientRect(); return [width, height]; };
  const pixel = (event) => [event.clientX, event.clientY];
  const announce = (words) => { said.textContent = words; };

  function inWords(region, number) {
    const { width, height } = canvas.value.picture;
    const [x1, y1, x2, y2] = boundsOf(region).map((edge, axis) => Math.round(edge * (axis % 2 ? height : width)));
    if (region.point) return say('Region {number}: point at {x1}, {y1}', { number, x1, y1 });
    const words = region.box ? 'Region {number}: box from {x1}, {y1} to {x2}, {y2}' : 'Region {number}: scribble within {x1}, {y1} to {x2}, {y2}';
    return say(words, { number, x1, y1, x2, y2 });
  }

  // What is shown

  function draw() {
    layer.replaceChildren();
    for (const [index, region] of [...regions, ...(draft ? [draft] : [])].entries()) {
      const group = shape('g', {}, index === selected ? 'region selected' : 'region');
      group.append(...drawRegion(region));
      layer.append(group);
    }
    if (regions[selected]) layer.append(...handlesOf(regions[selected]));
    while (tags.children.length > regions.length) tags.lastChild.remove();
    while (tags.children.length < regions.length) tags.append(tag());
    regions.forEach(fillTag);
    clear.hidden = !regions.length;
    canvas.coordinates.draw(regions);
  }

  // Where the eight handles are, clockwise from the upper left corner; a point has none.
  function handlePlaces(region) {
    if (region.point) return [];
    const [x1, y1, x2, y2] = boundsOf(region), x = (x1 + x2) / 2, y = (y1 + y2) / 2;
    return [[x1, y1], [x, y1], [x2, y1], [x2, y], [x2, y2], [x, y2], [x1, y2], [x1, y]];
  }

  const handlesOf = (region) => handlePlaces(region).map(([x, y]) =>
    shape('rect', { x: percent(x), y: percent(y), width: 10, height: 10, transform: 'translate(-5 -5)' }, 'handle'));

  function tag() {
    const holder = element('span', 'tag'), number = element('button', 'number'), remove = element('button', 'delete', '×');
    number.type = remove.type = 'button';
    const own = () => [...tags.children].indexOf(holder);
    number.addEventListener('focus', () => select(own()));
    number.addEventListener('keydown', (event) => keyOnRegion(event, own()));
    remove.addEventListener('click', () => removeRegion(own()));
    holder.append(number, remove);
    return holder;
  }

  function fillTag(region, index) {
    const holder = tags.children[index], [number, remove] = holder.children, [x1, y1] = boundsOf(region);
    holder.style.left = percent(x1);
    holder.style.top = percent(y1);
    holder.classList.toggle('selected', index === selected);
    holder.classList.toggle('inside', y1 * size()[1] < 26);
    holder.classList.toggle('leftwards', x1 > 0.9);
    number.textContent = index + 1;
    number.setAttribute('aria-label', `${inWords(region, index + 1)}. ${say('Arrow keys move it, with Shift they resize it, Delete removes it.')}`);
    remove.setAttribute('aria-label', say('Delete region {number}', { number: index + 1 }));
    remove.title = say('Delete');
  }

  function select(index) {
    if (index === selected) return;
    selected = index;
    draw();
  }

  // What changes

  function report() {
    const send = () => {
      reported = performance.now();
      due = 0;
      told = [...told.slice(-9), { words: JSON.stringify(regions), when: reported }];
      canvas.trigger('select', { regions, picture: canvas.value.picture ? canvas.value.picture.fingerprint : '' });
    };
    const wait = reported + REPORT_MS - performance.now();
    if (wait <= 0 && !due) send();
    else if (!due) due = setTimeout(send, wait);
  }

  function change(index, region) {
    regions = regions.with(index, region);
    draw();
    report();
  }

  function add(region) {
    if (regions.length >= MAX_REGIONS) {
      canvas.complain(say('There are {n} regions already. Please delete one first.', { n: MAX_REGIONS }));
      return false;
    }
    regions = [...regions, region];
    selected = regions.length - 1;
    draw();
    report();
    announce(inWords(region, regions.length));
    return true;
  }

  function removeRegion(index) {
    const focused = tags.contains(document.activeElement);
    regions = regions.toSpliced(index, 1);
    selected = Math.min(index, regions.length - 1);
    draw();
    report();
    announce(say('Region {number} deleted.', { number: index + 1 }));
    if (focused) (regions.length ? tags.children[selected].firstChild : stage).focus({ preventScroll: true });
  }

  // The regions that the server sends replace those here, unless they are an echo of a report.
  function replace(others) {
    const words = JSON.stringify(others);
    if (words === JSON.stringify(regions)) return;
    if (told.some((one) => one.words === words && performance.now() - one.when < ECHO_MS)) return;
    regions = others;
    told = [];  // from now on, earlier reports are no echoes
    selected = -1;
    action = draft = null;
    clearTimeout(due);
    due = 0;
    draw();
  }

  function forget() {
    told = [];
    replace([]);
  }

  // By pointer. `begin` says whether it takes the pointer.

  function begin(event, at) {
    const holder = event.target.closest('.tag'), reach = REACH[event.pointerType] || REACH.mouse;
    const from = pixel(event), start = { at, from, moved: false };
    if (event.target.closest('.delete')) return false;
    if (holder) {
      select([...tags.children].indexOf(holder));
      action = { ...start, kind: 'move', region: regions[selected] };
      return true;
    }
    const handle = regions[selected] ? nearestHandle(at, reach) : -1;
    if (handle >= 0) action = { ...start, kind: 'resize', handle, region: regions[selected] };
    else {
      const line = regionAt(at, reach);
      if (line >= 0) {
        select(line);
        action = { ...start, kind: 'move', region: regions[line] };
      } else if (tool) action = { ...start, kind: tool, line: [at] };
      else return false;
    }
    return true;
  }

  function nearestHandle(at, reach) {
    const [width, height] = size();
    const far = handlePlaces(regions[selected]).map(([x, y]) => Math.hypot((x - at[0]) * width, (y - at[1]) * height));
    const least = Math.min(...far);
    return least <= reach ? far.indexOf(least) : -1;
  }

  function regionAt(at, reach) {
    const far = regions.map((region) => distance(region, at, size()));
    const least = Math.min(...far);
    return least <= reach ? far.indexOf(least) : -1;
  }

  function move(event, at) {
    if (!action) return;
    const [x, y] = pixel(event);
    action.moved ||= Math.hypot(x - action.from[0], y - action.from[1]) >= LEAST_DRAG;
    if (!action.moved) return;
    const [ax, ay] = action.at;
    if (action.kind === 'box') draft = { box: [Math.min(ax, at[0]), Math.min(ay, at[1]), Math.max(ax, at[0]), Math.max(ay, at[1])] };
    else if (action.kind === 'scribble') {
      action.line.push(at);
      if (action.line.length > 2) draft = { polygon: action.line };
    } else if (action.kind === 'move') regions = regions.with(selected, moveRegion(action.region, at[0] - ax, at[1] - ay));
    else if (action.kind === 'resize') regions = regions.with(selected, resizeRegion(action, at));
    draw();
  }

  // Returns the region with the dragged side or corner at a point; the opposite ones stay.
  function resizeRegion({ region, handle }, [x, y]) {
    let [x1, y1, x2, y2] = boundsOf(region);
    const [width, height] = size(), least = [LEAST_DRAG / width, LEAST_DRAG / height];
    if ([0, 6, 7].includes(handle)) x1 = Math.min(x, x2 - least[0]);
    if ([2, 3, 4].includes(handle)) x2 = Math.max(x, x1 + least[0]);
    if ([0, 1, 2].includes(handle)) y1 = Math.min(y, y2 - least[1]);
    if ([4, 5, 6].includes(handle)) y2 = Math.max(y, y1 + least[1]);
    return fitRegion(region, [x1, y1, x2, y2].map((edge) => clamp(edge)));
  }

  // Returns whether something was done; if not, it was a click.
  function end(event, at) {
    const done = action, region = draft;
    move(event, at);
    const last = draft || region;
    action = draft = null;
    if (!done) return false;
    if (['move', 'resize'].includes(done.kind)) {
      if (done.moved) { draw(); report(); announce(inWords(regions[selected], selected + 1)); }
      else if (event.target.closest('.tag')) tags.children[selected].firstChild.focus({ preventScroll: true });
      return true;
    }
    if (done.kind === 'point') return add({ point: at });
    if (!done.moved) {
      if (selected >= 0) select(-1);
      return false;
    }
    const [x1, y1, x2, y2] = last ? boundsOf(last) : [0, 0, 0, 0];
    if (x2 <= x1 || y2 <= y1) {
      canvas.complain(say('This region has no area. Please draw a larger one.'));
      draw();
    } else if (done.kind === 'scribble') {
      const [width, height] = size(), line = last.polygon.map(([x, y]) => [x * width, y * height]);
      const fewer = simplifyLine(line, 1.5).map(([x, y]) => [x / width, y / height]);
      add({ polygon: fewer.length > 2 ? fewer : [...fewer, last.polygon[Math.floor(last.polygon.length / 2)]] });
    } else add(last);
    return true;
  }

  function cancel() {
    if (action && ['move', 'resize'].includes(action.kind) && regions[selected]) regions = regions.with(selected, action.region);
    action = draft = null;
    draw();
  }

  // By keyboard

  function keyOnRegion(event, index) {
    const step = { ArrowLeft: [-NUDGE, 0], ArrowRight: [NUDGE, 0], ArrowUp: [0, -NUDGE], ArrowDown: [0, NUDGE] }[event.key];
    const region = regions[index];
    if (['Delete', 'Backspace'].includes(event.key)) removeRegion(index);
    else if (event.key === 'Escape') { select(-1); stage.focus({ preventScroll: true }); }
    else if (step && event.shiftKey && !region.point) {
      const [x1, y1, x2, y2] = boundsOf(region);
      change(index, fitRegion(region, [x1, y1, clamp(Math.max(x1 + NUDGE, x2 + step[0])), clamp(Math.max(y1 + NUDGE, y2 + step[1]))]));
    } else if (step) change(index, moveRegion(region, ...step));
    else return;
    if (step) announce(inWords(regions[index], index + 1));
    event.preventDefault();
    event.stopPropagation();
  }

  stage.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && action) cancel();
    else if (event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === 'Enter' || event.key.toLowerCase() === 'n') {
      if (!add(tool === 'point' ? { point: [0.5, 0.5] } : { box: [0.3, 0.3, 0.7, 0.7] })) return;
      tags.lastChild.firstChild.focus({ preventScroll: true });
    } else if (['Delete', 'Backspace'].includes(event.key) && regions[selected]) removeRegion(selected);
    else if (event.key === 'Escape') select(-1);
    else return;
    event.preventDefault();
  });

  for (const button of toolButtons)
    button.addEventListener('click', () => {
      tool = tool === button.dataset.tool ? null : button.dataset.tool;
      for (const other of toolButtons) other.setAttribute('aria-pressed', String(other.dataset.tool === tool));
      stage.dataset.marking = tool || '';
      canvas.hint();
    });
  stage.dataset.marking = tool;
  clear.addEventListener('click', () => {
    [regions, selected] = [[], -1];
    draw();
    report();
    announce(say('All regions deleted.'));
    stage.focus({ preventScroll: true });
  });

  return {
    begin, move, end, cancel, add, change, remove: removeRegion, replace, forget,
    cursor: (at) => {
      const handle = regions[selected] ? nearestHandle(at, REACH.mouse) : -1;
      return handle >= 0 ? `${CURSORS[handle]}-resize` : regionAt(at, REACH.mouse) >= 0 ? 'move' : '';
    },
    get tool() { return tool; },
    get isActive() { return Boolean(action); },
    get hasRegions() { return regions.length > 0; },
  };
}
