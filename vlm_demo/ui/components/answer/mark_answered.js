// Notes on the column around a node whether it holds an answer: the styles show then what can be done with one.
window.markAnswered = (node) => {
  const column = node.closest('.column'), answer = '#chat .bot, .answer:not([hidden], .busy, .failed)';
  column?.toggleAttribute('data-answered', column.querySelector(answer) !== null);
};
