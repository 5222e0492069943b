// A button for each region that is marked on a picture: it writes the region's number, as [1], into a text
// where the cursor is. `props.value`, as JSON: {count}
const row = element.querySelector('.region-chips');

// As if it were typed, so that Gradio notices; a space separates it from the word before.
function write(words) {
  const field = document.querySelector(row.dataset.field);
  if (!field) return;
  const { selectionStart: from, selectionEnd: to, value } = field;
  const space = from && !/\s$/.test(value.slice(0, from)) ? ' ' : '';
  field.focus();
  field.setRangeText(`${space}${words}`, from, to, 'end');
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

function chip(number) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = `[${number}]`;
  button.setAttribute('aria-label', say('Write [{number}] into the text', { number }));
  button.addEventListener('click', () => write(button.textContent));
  return button;
}

function show() {
  const { count = 0 } = JSON.parse(props.value || '{}');
  if (count === row.querySelectorAll('button').length) return;  // rebuilding them would take the focus
  const hint = document.createElement('span');
  hint.textContent = say('Marked on the picture:');
  row.replaceChildren(hint, ...Array.from({ length: count }, (_, index) => chip(index + 1)));
  row.hidden = !count;
}

watch('value', show);
show();
