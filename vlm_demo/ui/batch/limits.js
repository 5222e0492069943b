// The line that says how many pictures a batch takes, and how large they may be.
const { pictures, each, all } = element.querySelector('p').dataset;
element.querySelector('p').textContent = say(
  'Up to {pictures} pictures of {each} each; a ZIP of up to {all}.', { pictures, each, all });
