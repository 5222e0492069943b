// Takes what a turn of Studio asked (event "vlm-batch": {task, text, model, options}) over into the form.
const take = ({ detail }) => {
  props.value = JSON.stringify({ ...detail, id: Date.now() });
  trigger('input');
};
document.addEventListener('vlm-batch', take);
