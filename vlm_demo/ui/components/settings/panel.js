// Notes on the generation settings: beside their title, how many differ from the model's own; below them, what
// unusual ones do, and a button that resets them. `props.value`, as JSON:
//   {model, changed, hints: [{words, values}]}
const mark = element.querySelector('.settings-changed');
const list = element.querySelector('.settings-hints'), reset = element.querySelector('.settings-reset');

function show() {
  const { model = '', changed = 0, hints = [] } = JSON.parse(props.value || '{}');
  if (mark) {
    mark.textContent = changed === 1 ? say('1 changed') : say('{count} changed', { count: changed });
    mark.hidden = !changed;
    return;
  }
  list.replaceChildren(...hints.map(({ words, values }) => {
    const line = document.createElement('li');
    line.textContent = say(words, values);
    return line;
  }));
  reset.textContent = say('Reset to {model}’s own', { model });
  reset.hidden = !changed;
}

if (reset) reset.addEventListener('click', () => trigger('clear'));
watch('value', show);
show();
