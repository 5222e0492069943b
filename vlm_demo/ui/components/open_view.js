// Opens a view inside a tab and, where there is a button of this id, presses it.
() => {
  document.getElementById('%TAB%-tab-button').click();
  const open = () => {  // the inner tabs exist only while the outer one is shown
    const view = document.getElementById('%VIEW%-tab-button'), button = document.getElementById('%BUTTON%');
    if (!view || !view.offsetParent || ('%BUTTON%' && !button)) { requestAnimationFrame(open); return; }
    view.click();
    if (button) button.click();
  };
  open();
}
