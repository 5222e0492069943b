// Triggers `select` whenever the view %VIEW% is opened, also where it is open when Gradio builds it.
const isOpen = () => document.documentElement.dataset.view === '%VIEW%';
document.addEventListener('view', () => { if (isOpen()) trigger('select'); });
if (isOpen()) trigger('select');
