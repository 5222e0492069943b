// Keys of a battle, where nobody is writing: 1 to 4 vote, with Shift on the boxes alone; n begins the next.
document.addEventListener('keydown', (event) => {
  const view = document.getElementById('battle-stage');
  const writing = event.target.closest && event.target.closest('input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]');
  if (!view || view.offsetParent === null || writing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const press = (target) => {
    if (!target || target.disabled || target.offsetParent === null) return;
    event.preventDefault();
    target.click();
  };
  // By the place of the key: where digits are typed with Shift, they vote without it all the same.
  const digit = /^(?:Digit|Numpad)([1-4])$/.exec(event.code);
  if (digit && event.shiftKey) press(document.querySelectorAll('#battle-boxes input[type=radio]')[digit[1] - 1]);
  else if (digit) press(document.getElementById(`battle-vote-${digit[1]}`));
  else if (event.key === 'n') press(document.getElementById('battle-next'));
});
