// The pinned examples, as a list. `props.value`, as JSON: {examples: [{pictures: [url], question, answer}]}
const list = element.querySelector('ul'), none = element.querySelector('.none');

function made(name, className, words = '') {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = words;
  return node;
}

function item({ pictures, question, answer }, index) {
  const row = made('li', ''), remove = made('button', 'remove', '×');
  for (const url of pictures) {
    const image = made('img', '');
    image.src = url;
    image.alt = say('Picture of example {n}', { n: index + 1 });
    row.append(image);
  }
  const words = made('div', 'words');
  words.append(made('b', '', question), made('span', '', answer));
  remove.type = 'button';
  remove.setAttribute('aria-label', say('Remove example {n}', { n: index + 1 }));
  remove.addEventListener('click', () => trigger('select', { index }));
  row.append(words, remove);
  return row;
}

function show() {
  const { examples = [] } = JSON.parse(props.value || '{}');
  list.replaceChildren(...examples.map(item));
  none.hidden = examples.length > 0;
  none.textContent = say('The model is shown these before every question, as if they had been asked and answered. Pin an answer of the chat below it, or write an example here.');
}

watch('value', show);
show();
