// Which part of the picture a canvas shows. A view magnifies the picture `scale` times, relative to the size at
// which it fits, with its fractions `x` and `y` at the upper left corner of the stage. Canvases of a group share it.
const WHOLE = { scale: 1, x: 0, y: 0 };
const FAR_ENOUGH = 8;  // large pictures zoom in further, until a pixel is two pixels wide
const STEP = 1.4, FAR = 0.1;

function createZoom(canvas) {
  const { stage, sheet, image, find } = canvas;
  const asked = new Set();  // fingerprints
  let view = WHOLE, fetching = 0;

  // Share of the picture that fits on the stage, across and down; more than 1: there is room left.
  function fitting(scale) {
    const { width, height } = stage.getBoundingClientRect(), { picture } = canvas.value;
    if (!width || !picture) return null;
    const fit = Math.min(width / picture.width, height / picture.height) * scale;
    return { width, height, fit, across: width / (picture.width * fit), down: height / (picture.height * fit) };
  }

  const within = (start, share) => (share >= 1 ? (1 - share) / 2 : Math.min(1 - share, Math.max(0, start)));

  function look(wanted) {
    const { picture } = canvas.value, whole = fitting(1);
    if (!whole) return;
    const scale = Math.min(Math.max(FAR_ENOUGH, 2 / whole.fit), Math.max(1, wanted.scale));
    const { fit, across, down } = fitting(scale);
    view = { scale, x: within(wanted.x, across), y: within(wanted.y, down) };
    const width = picture.width * fit, height = picture.height * fit;
    Object.assign(sheet.style, {
      width: `${width}px`, height: `${height}px`, transform: `translate(${-view.x * width}px, ${-view.y * height}px)`,
    });
    stage.classList.toggle('zoomed', scale > 1);
    find('.whole').textContent = `${Math.round(scale * 100)} %`;
    canvas.looked.forEach((act) => act());
    clearTimeout(fetching);
    fetching = setTimeout(() => sharpen(picture, width), 150);
  }

  // The first copy is small; one in full resolution comes when its pixels can be seen.
  async function sharpen(picture, width) {
    const coarse = image.naturalWidth && width * devicePixelRatio > image.naturalWidth * 1.05;
    if (!coarse || image.naturalWidth >= picture.width || asked.has(picture.fingerprint) || !canvas.server.full_resolution_url) return;
    asked.add(picture.fingerprint);
    try {
      const url = await canvas.server.full_resolution_url(picture.fingerprint);
      if (!url) return;
      const sharp = new Image();
      sharp.src = url;
      await sharp.decode();
      if (!canvas.isShown(picture)) return;
      image.src = url;
      asked.delete(picture.fingerprint);  // the picture may be removed and come back
    } catch (error) { console.warn('The full resolution did not come.', error); }
  }

  function lookTogether(wanted) {
    look(wanted);
    if (canvas.group)
      document.dispatchEvent(new CustomEvent('vlm-view', { detail: { group: canvas.group, view, from: canvas } }));
  }

  // Magnifies around a point of the stage (fractions of it), which stays in place.
  function zoom(factor, [left, top] = [0.5, 0.5]) {
    const before = fitting(view.scale), whole = fitting(1);
    if (!before) return;
    const scale = Math.min(Math.max(FAR_ENOUGH, 2 / whole.fit), Math.max(1, view.scale * factor)), after = fitting(scale);
    lookTogether({
      scale, x: view.x + left * (before.across - after.across), y: view.y + top * (before.down - after.down),
    });
  }

  function pan(across, down) {
    const now = fitting(view.scale);
    if (now) lookTogether({ ...view, x: view.x - across * now.across, y: view.y - down * now.down });
  }

  const buttons = { '.in': () => zoom(STEP), '.out': () => zoom(1 / STEP), '.whole': () => lookTogether(WHOLE) };
  for (const [name, action] of Object.entries(buttons)) find(name).addEventListener('click', action);
  stage.addEventListener('wheel', (event) => {
    if (!event.ctrlKey) return;  // set also for a pinch on a touchpad; without it, the page scrolls
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 200), canvas.onStage(event));
  }, { passive: false });
  stage.addEventListener('keydown', (event) => {
    if (event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: [FAR, 0], ArrowRight: [-FAR, 0], ArrowUp: [0, FAR], ArrowDown: [0, -FAR] };
    if (['+', '='].includes(event.key)) zoom(STEP);
    else if (event.key === '-') zoom(1 / STEP);
    else if (event.key === '0') lookTogether(WHOLE);
    else if (moves[event.key] && view.scale > 1) pan(...moves[event.key]);
    else return;
    event.preventDefault();
  });
  document.addEventListener('vlm-view', ({ detail }) => {
    if (detail.group === canvas.group && detail.from !== canvas) look(detail.view);
  });
  new ResizeObserver(() => look(view)).observe(stage);

  return {
    zoom, pan,
    whole: () => look(WHOLE),
    toggle: (at) => (view.scale > 1 ? lookTogether(WHOLE) : zoom(3, at)),
    get scale() { return view.scale; },
  };
}
