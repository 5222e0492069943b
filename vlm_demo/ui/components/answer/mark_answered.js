// Marks the column around a node if it holds an answer; the styles then show what can be done with one.
window.markAnswered = (node) => {
  const column = node.closest('.column'), answer = '#chat .bot, .answer:not([hidden], .busy, .failed)';
  column?.toggleAttribute('data-answered', column.querySelector(answer) !== null);
};
