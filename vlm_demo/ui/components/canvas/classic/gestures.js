// What pointers do on the stage of a canvas: two fingers zoom and move the picture; one marks a region, moves
// the picture if no tool is chosen, or points at regions.
function wireGestures(canvas, marking) {
  const { stage, find } = canvas;
  const fingers = new Map();  // pointer: where it is, in fractions of the stage
  let panning = false, pressed = null, space = false;

  const middle = (points) => [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
  const apart = ([a, b]) => {
    const { width, height } = stage.getBoundingClientRect();
    return b ? Math.hypot((a[0] - b[0]) * width, (a[1] - b[1]) * height) || 1 : 1;
  };

  function pans(event) {
    if (event.button === 1 || space) return true;
    return canvas.zoom.scale > 1 && !(marking && marking.tool);
  }

  stage.addEventListener('pointerdown', (event) => {
    if (event.button > 1 || event.target.closest('.delete')) return;
    fingers.set(event.pointerId, canvas.onStage(event));
    if (fingers.size === 1) {
      pressed = { x: event.clientX, y: event.clientY, moved: false };
      const takes = event.button === 0 && !space && marking && marking.begin(event, canvas.onPicture(event));
      panning = !takes && pans(event);
      if (marking && !event.target.closest('.tag')) stage.focus({ preventScroll: true });
      if (!takes && !panning) return;
    } else {
      if (marking) marking.cancel();
      panning = true;
      pressed = null;
    }
    stage.setPointerCapture(event.pointerId);
    event.preventDefault();
  });

  stage.addEventListener('pointermove', (event) => {
    if (!fingers.has(event.pointerId)) {
      if (event.pointerType !== 'touch') hover(event);
      return;
    }
    const before = [...fingers.values()];
    fingers.set(event.pointerId, canvas.onStage(event));
    if (pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) >= LEAST_DRAG) pressed.moved = true;
    const now = [...fingers.values()], [x, y] = middle(now), [oldX, oldY] = middle(before);
    if (panning && canvas.zoom.scale > 1) canvas.zoom.pan(x - oldX, y - oldY);
    if (now.length > 1) canvas.zoom.zoom(apart(now) / apart(before), [x, y]);
    else if (marking && marking.isActive) marking.move(event, canvas.onPicture(event));
  });

  function hover(event) {
    const at = canvas.onPicture(event);
    const cursor = marking && canvas.isOnPicture(event) ? marking.cursor(at) : '';
    stage.style.cursor = cursor;
    canvas.places.hover(cursor || !canvas.isOnPicture(event) ? null : at);
  }

  function release(event) {
    if (!fingers.delete(event.pointerId)) return;
    const at = canvas.onPicture(event), click = event.type === 'pointerup' && pressed && !pressed.moved && !panning;
    if (event.type === 'pointercancel') { if (marking) marking.cancel(); }
    else if (!fingers.size && !(marking && marking.isActive && marking.end(event, at)) && click) canvas.places.tap(at);
    if (!fingers.size) { panning = false; pressed = null; }
  }
  for (const name of ['pointerup', 'pointercancel']) stage.addEventListener(name, release);
  stage.addEventListener('pointerleave', () => canvas.places.hover(null));
  stage.addEventListener('dblclick', (event) => {
    if (event.target.closest('.tag') || (marking && marking.tool === 'point')) return;
    canvas.zoom.toggle(canvas.onStage(event));
  });
  stage.addEventListener('keydown', (event) => {
    if (event.key !== ' ' || event.target !== stage) return;
    space = true;
    stage.classList.add('panning');
    event.preventDefault();
  });
  for (const [target, name] of [[stage, 'keyup'], [stage, 'blur'], [window, 'blur']])
    target.addEventListener(name, (event) => {
      if (name === 'keyup' && event.key !== ' ') return;
      space = false;
      stage.classList.remove('panning');
    });
}
