// Ties the model of Gradio's views to that of the header; `props.value` is its name.
import(new URL('%MODELS%', document.baseURI).href).then(({ chooseModel, chosenModel, onModelChange }) => {
  const tell = (name) => {
    if (!name || props.value === name) return;
    props.value = name;
    trigger('input');
  };
  watch('value', () => chooseModel(props.value));
  onModelChange(tell);
  tell(chosenModel());
});
