// The canvas: a picture that comes in by drop, paste or choice, with the regions of an answer, on which people
// can mark regions. `props.value`, as JSON:
//   {picture: {url, width, height, name, fingerprint} | null,
//    mentions: [{phrase, sure, colour, dash, unsure, places: [{box | point | polygon, sure}]}],
//    regions: [{box | point | polygon}]}
// with coordinates as fractions of the picture, and `sure`, the confidence, as text; `unsure`: its places are
// hidden by the threshold. `regions`, where it is there, replaces what the person marked, once. What the person
// does goes to the server as events. A canvas of a group takes no pictures in: it only shows one.
window.buildCanvas = (host, { props, trigger, server, upload, watch }) => {
  const find = (selector) => host.querySelector(selector);
  const root = find('.canvas'), stage = find('.stage'), sheet = find('.sheet'), image = find('.sheet img');
  const drop = find('.drop'), chooser = find('.drop input'), tools = find('.tools'), hint = find('.hint'), trouble = find('.trouble');
  const { name, group } = root.dataset, selectable = root.dataset.selectable === 'yes';
  let lastRegions = '', size = '';

  const share = (node, event) => {
    const frame = node.getBoundingClientRect();
    return [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
  };
  const canvas = {
    root, stage, sheet, image, find, name, group, trigger, server: server || {}, value: {},
    overlay: find('.overlay'), labels: find('.labels'), legend: find('.legend'),
    looked: [],  // called when another part of the picture is shown
    onStage: (event) => share(stage, event),
    onPicture: (event) => share(sheet, event).map((fraction) => clamp(fraction)),
    isOnPicture: (event) => share(sheet, event).every((fraction) => fraction >= 0 && fraction <= 1),
    isShown: (picture) => Boolean(canvas.value.picture) && canvas.value.picture.fingerprint === picture.fingerprint,
    complain: (words) => { trouble.textContent = words; trouble.hidden = !words; },
    hint: () => { hint.textContent = say(HINTS[canvas.marking.tool || 'none']); },
  };
  translate(host);
  canvas.zoom = createZoom(canvas);
  canvas.places = createMentions(canvas);
  canvas.table = createTable(canvas);
  if (selectable) {
    canvas.coordinates = createCoordinates(canvas);
    canvas.marking = createMarking(canvas);
    canvas.hint();
  }
  wireGestures(canvas, canvas.marking);
  stage.setAttribute('aria-label', say(selectable ? MARKED_BY_KEYS : LOOKED_AT_BY_KEYS));

  function show() {
    const before = canvas.value.picture;
    canvas.value = JSON.parse(props.value || '{}');
    const { picture, mentions = [], regions } = canvas.value;
    const isNew = Boolean(picture) !== Boolean(before) || (picture && picture.fingerprint !== before.fingerprint);
    if (isNew) come(picture);
    if (picture && `${picture.width}:${picture.height}` !== size) {
      size = `${picture.width}:${picture.height}`;
      stage.style.setProperty('--width', picture.width);
      stage.style.setProperty('--ratio', picture.width / picture.height);
      canvas.zoom.whole();
    }
    if (canvas.marking && JSON.stringify(regions) !== lastRegions) {
      lastRegions = JSON.stringify(regions);
      if (regions) canvas.marking.replace(regions);
    }
    canvas.places.draw(picture ? mentions : []);
    canvas.table.draw(picture ? mentions : []);
    document.dispatchEvent(new CustomEvent('vlm-canvas', { detail: { canvas: canvas.name, value: canvas.value } }));
  }

  function come(picture) {
    canvas.places.forget();
    canvas.places.draw([]);
    canvas.complain('');
    if (canvas.marking) canvas.marking.forget();
    if (picture) {
      image.src = picture.url;
      image.alt = say.whole(picture.name);  // the Inspector names a sheet of its own
    } else image.removeAttribute('src');
    size = '';
    root.hidden = !picture && Boolean(group);
    drop.hidden = Boolean(picture || group);
    stage.hidden = find('.under').hidden = !picture;
    tools.hidden = !picture || Boolean(group);
    for (const part of root.querySelectorAll('.marking')) part.hidden = !picture || !selectable;
  }

  async function take(files) {
    const file = [...files].find((one) => one.type.startsWith('image/') || /\.(heic|heif|avif)$/i.test(one.name)) || files[0];
    if (!file) return;
    if (file.size > props.largest) { trigger('upload', { too_large: file.size }); return; }
    root.classList.add('busy');
    try { trigger('upload', { path: (await upload(file)).path }); }
    catch (error) { trigger('upload', { failed: true }); }
    finally { root.classList.remove('busy'); chooser.value = ''; }
  }

  if (!group) {
    chooser.addEventListener('change', () => take(chooser.files));
    find('.replace').addEventListener('click', () => chooser.click());
    find('.remove').addEventListener('click', () => trigger('clear'));
    for (const event of ['dragenter', 'dragover'])
      root.addEventListener(event, (e) => { e.preventDefault(); root.classList.add('over'); });
    for (const event of ['dragleave', 'drop'])
      root.addEventListener(event, (e) => { e.preventDefault(); root.classList.remove('over'); });
    root.addEventListener('drop', (event) => take(event.dataTransfer.files));
    document.addEventListener('paste', (event) => {
      const files = event.clipboardData ? event.clipboardData.files : [];
      if (files.length && root.offsetParent !== null) { event.preventDefault(); take(files); }
    });
  }
  watch('value', show);
  come(null);  // a canvas of a group is hidden without a picture
  show();
};

const HINTS = {
  box: 'Drag on the picture to mark a box.',
  point: 'Click on the picture to mark a point.',
  scribble: 'Draw around a thing, or over it.',
  none: 'Nothing is marked now: drag to move the picture when it is zoomed.',
};
const LOOKED_AT_BY_KEYS = 'Picture. Plus and minus zoom, the arrow keys move, 0 shows all of it.';
const MARKED_BY_KEYS = 'Picture. Enter marks a region in the middle; Tab goes to the regions. Plus and minus zoom, the arrow keys move, 0 shows all of it.';

// The words of the template in the browser's language; {most} and the like come from the canvas's data.
function translate(host) {
  const said = (words) => say(words.replace(/\s+/g, ' ').trim(), host.querySelector('.canvas').dataset);
  for (const node of host.querySelectorAll('[data-say]')) node.textContent = said(node.textContent);
  for (const attribute of ['aria-label', 'title'])
    for (const node of host.querySelectorAll(`[${attribute}]`)) node.setAttribute(attribute, said(node.getAttribute(attribute)));
}
