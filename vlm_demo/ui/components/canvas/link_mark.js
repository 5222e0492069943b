// Makes a marked phrase a button for mouse, touch and keyboard that scrolls its picture into view.
// `point(true)` lights its regions up; `canvas` is the id of the canvas.
window.linkMark = (mark, canvas, point) => {
  mark.tabIndex = 0;
  mark.setAttribute('role', 'button');
  mark.addEventListener('click', () => {
    mark.focus();
    point(true);
    document.getElementById(canvas)?.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  });
  mark.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') mark.blur();
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    mark.click();
  });
};
