// Runs before anything is drawn: the theme and the view that the page opens with. %LANGUAGE% is set by the server.
(() => {
  const root = document.documentElement, system = matchMedia('(prefers-color-scheme: dark)');
  const stored = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  root.dataset.theme = stored('vlm-demo.theme') || '';
  root.dataset.view = new URLSearchParams(location.search).get('view') || 'studio';
  // Gradio asks the browser for its language and theme; it gets those that were chosen here.
  Object.defineProperty(navigator, 'language', { value: '%LANGUAGE%', configurable: true });
  const paint = () => {
    const dark = (root.dataset.theme || (system.matches ? 'dark' : 'light')) === 'dark';
    if (document.body.classList.contains('dark') !== dark) document.body.classList.toggle('dark', dark);
  };
  system.addEventListener('change', paint);
  new MutationObserver(paint).observe(root, { attributes: true, attributeFilter: ['data-theme'] });
  new MutationObserver(paint).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  paint();
})();
