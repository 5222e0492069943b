() => {
  // Gradio drops the alternative texts of pictures in a chat, and its tabs ignore the arrow keys.
  const describe = () => {
    for (const image of document.querySelectorAll('#chat img[alt=""]'))
      image.alt = image.closest('.bot') ? 'The picture with boxes around what the answer names' : 'A picture in the conversation';
  };
  new MutationObserver(describe).observe(document.body, { childList: true, subtree: true });
  document.addEventListener('keydown', (event) => {
    const tab = event.target.closest && event.target.closest('[role="tab"]');
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!tab || !step) return;
    const tabs = [...tab.parentElement.querySelectorAll('[role="tab"]')];
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
    event.preventDefault();
  });
}
