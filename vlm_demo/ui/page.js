() => {
  // Gradio's tabs ignore the arrow keys.
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

  // Translates English texts of the server wherever they appear: the texts of elements with data-say, or the
  // attributes that it names ("text" stands for the texts), and the titles of Gradio's messages. Where a text
  // has values, data-said holds its template and them.
  const TRANSLATED = '[data-say], .toast-title';
  const ATTRIBUTES = ['title', 'aria-label', 'placeholder', 'alt'];
  const written = new WeakMap();  // of a node, by attribute: what the server wrote, and its translation

  function translate(node, name, text, filled) {
    if (!text || !text.trim()) return text;
    if (!written.has(node)) written.set(node, {});
    const before = written.get(node)[name];
    const server = before && before.now === text ? before.server : text;
    const [, start, words, end] = /^(\s*)(.*?)(\s*)$/s.exec(server);
    const now = start + say(filled || words.replace(/\s+/g, ' ')) + end;
    written.get(node)[name] = { server, now };
    return now;
  }

  function speak(element) {
    const filled = element.dataset.said && JSON.parse(element.dataset.said);
    for (const name of (element.dataset.say || 'text').split(' ')) {
      if (name !== 'text') {
        const text = element.getAttribute(name), now = translate(element, name, text);
        if (now !== text) element.setAttribute(name, now);
        continue;
      }
      for (const node of element.childNodes) {
        if (node.nodeType !== Node.TEXT_NODE) continue;
        const now = translate(node, name, node.data, filled);
        if (now !== node.data) node.data = now;
      }
    }
  }

  const speakAll = (root) => { for (const element of root.querySelectorAll(TRANSLATED)) speak(element); };

  new MutationObserver((records) => {
    for (const { type, target, addedNodes } of records) {
      if (target === document.documentElement) speakAll(document);
      const element = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
      if (element && element.matches(TRANSLATED)) speak(element);
      if (type !== 'childList') continue;
      for (const node of addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        if (node.matches(TRANSLATED)) speak(node);
        if (node.firstElementChild) speakAll(node);
      }
    }
  }).observe(document.documentElement, {
    subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['lang', 'data-say', 'data-said', ...ATTRIBUTES],
  });
  speakAll(document);
}
