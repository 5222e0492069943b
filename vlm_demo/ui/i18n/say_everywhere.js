// For scripts that cannot import say.js: the same function, with the catalogue of the page's language.
(() => {
  const catalogue = CATALOGUE;
  const translate = (text) => (Object.hasOwn(catalogue, text) ? catalogue[text] : text);

  window.say = (text, values = {}) => {
    if (typeof text !== 'string') return say(text.words, text.values);
    return translate(text).replace(/\{(\w+)\}/g, (blank, name) => {
      if (!Object.hasOwn(values, name)) return blank;
      const value = values[name];
      return typeof value === 'object' ? say(value) : String(value);
    });
  };
})();
