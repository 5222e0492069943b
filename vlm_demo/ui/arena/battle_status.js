// The line that says how a battle stands; `props.value`, as JSON: {words, tone}.
const panes = () => element.closest('#battle-stage').querySelector('.panes');
const line = element.querySelector('.battle-status');
const show = () => {
  const { words = '', tone = '' } = JSON.parse(props.value || '{}');
  line.textContent = say(words);
  if (tone === 'voted' && line.dataset.tone !== tone) panes().scrollIntoView({ block: 'start' });
  line.dataset.tone = tone;
};
watch('value', show);
show();
