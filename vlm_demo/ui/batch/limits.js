// The line that says how many pictures a batch takes, and how large they may be.
const { pictures, each, films, all } = element.querySelector('p').dataset;
element.querySelector('p').textContent = say(
  'Up to {pictures} images of {each} each; videos and PDFs of up to {films}, a ZIP of up to {all}.',
  { pictures, each, films, all });
