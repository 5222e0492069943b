// Makes a marked phrase a button to mouse, touch and keyboard, which brings the picture into view where its place is
// drawn. `point(true)` lights the place up; `canvas` is the picture's id.
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
