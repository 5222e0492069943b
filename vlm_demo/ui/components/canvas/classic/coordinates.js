// The tables of a canvas: the marked regions as numbers to edit, and what was found.
const EDGES = ['x1', 'y1', 'x2', 'y2'];

// Editable coordinates in pixels. An impossible value is reported and left for the person to correct.
function createCoordinates(canvas) {
  const fold = canvas.find('.coordinates'), rows = fold.querySelector('tbody');
  const across = (axis) => (axis % 2 ? canvas.value.picture.height : canvas.value.picture.width);
  const rounded = (value) => String(Math.round(value * 10) / 10);

  function row() {
    const line = element('tr', ''), head = element('th', ''), name = element('td', 'kind');
    head.scope = 'row';
    line.append(head, name);
    for (const axis of EDGES.keys()) {
      const cell = element('td', ''), input = element('input', '');
      input.type = 'number';
      input.inputMode = 'decimal';
      input.step = 'any';
      input.addEventListener('change', () => typed(line, axis));
      cell.append(input);
      line.append(cell);
    }
    const end = element('td', ''), remove = element('button', 'delete', '×');
    remove.type = 'button';
    remove.addEventListener('click', () => {
      canvas.marking.remove(indexOf(line));
      (rows.querySelector('.delete') || fold.querySelector('.add-box')).focus();
    });
    end.append(remove);
    line.append(end);
    return line;
  }

  const indexOf = (line) => [...rows.children].indexOf(line);
  const inputsOf = (line) => [...line.querySelectorAll('input')];

  function typed(line, axis) {
    const region = line.region, inputs = inputsOf(line), bounds = [...boundsOf(region)];
    const used = region.point ? [0, 1] : [0, 1, 2, 3];
    // All fields count, so that two values that are only valid together can be entered one by one.
    for (const edge of used)
      if (edge === axis || inputs[edge].value !== inputs[edge].dataset.shown)
        bounds[edge] = inputs[edge].value === '' ? NaN : Number(inputs[edge].value) / across(edge);
    if (region.point) [bounds[2], bounds[3]] = bounds;
    const wrong = trouble(bounds, region);
    for (const input of inputs) input.setAttribute('aria-invalid', String(Boolean(wrong)));
    canvas.complain(wrong);
    if (wrong) return;
    for (const edge of used) inputs[edge].dataset.shown = '';
    canvas.marking.change(indexOf(line), fitRegion(region, bounds));
  }

  function trouble(bounds, region) {
    const { width, height } = canvas.value.picture;
    if (!bounds.every(Number.isFinite)) return say('Please enter a number of pixels.');
    if (bounds.some((edge) => edge < 0 || edge > 1))
      return say('This lies outside the picture, which has {width} × {height} pixels.', { width, height });
    if (!region.point && (bounds[2] <= bounds[0] || bounds[3] <= bounds[1]))
      return say('This region has no area: x2 must be more than x1, and y2 more than y1.');
    return '';
  }

  function draw(regions) {
    while (rows.children.length > regions.length) rows.lastChild.remove();
    while (rows.children.length < regions.length) rows.append(row());
    fold.querySelector('table').hidden = !regions.length;
    regions.forEach((region, index) => {
      const line = rows.children[index], number = index + 1, bounds = boundsOf(region);
      if (line.region === region) return;
      line.region = region;
      line.firstChild.textContent = number;
      line.querySelector('.kind').textContent = say(region.box ? 'Box' : region.point ? 'Point' : 'Scribble');
      line.querySelector('.delete').setAttribute('aria-label', say('Delete region {number}', { number }));
      inputsOf(line).forEach((input, axis) => {
        input.hidden = Boolean(region.point) && axis > 1;
        input.max = across(axis);
        input.min = 0;
        input.setAttribute('aria-label', say('{edge} of region {number}, in pixels', { edge: EDGES[axis], number }));
        input.setAttribute('aria-invalid', 'false');
        input.value = input.dataset.shown = rounded(bounds[axis] * across(axis));
      });
    });
  }

  const added = (region) => {
    if (canvas.marking.add(region)) inputsOf(rows.lastChild)[0].select();
  };
  fold.querySelector('.add-box').addEventListener('click', () => added({ box: [0.25, 0.25, 0.75, 0.75] }));
  fold.querySelector('.add-point').addEventListener('click', () => added({ point: [0.5, 0.5] }));
  return { draw };
}

// What was found, for those who cannot see the picture, and to copy. It is filled when it is unfolded.
function createTable(canvas) {
  const fold = canvas.find('.as-table'), rows = fold.querySelector('tbody');
  let mentions = [];

  function fill() {
    if (!fold.open) return;
    const { width, height } = canvas.value.picture;
    const lines = mentions.flatMap((mention, index) => mention.places.map((place) => {
      const line = element('tr', ''), name = element('th', '', mention.phrase || say('unnamed {n}', { n: index + 1 }));
      name.scope = 'row';
      name.dir = 'auto';
      const bounds = boundsOf(place).map((edge, axis) => Math.round(edge * (axis % 2 ? height : width)));
      const cells = place.point ? [...bounds.slice(0, 2), '', ''] : bounds;
      line.append(name, ...[...cells, place.sure].map((words) => element('td', '', String(words))));
      return line;
    }));
    rows.replaceChildren(...lines);
  }

  fold.addEventListener('toggle', fill);
  return {
    draw: (all) => {
      mentions = all;
      fold.hidden = !all.some((mention) => mention.places.length);
      fill();
    },
  };
}
