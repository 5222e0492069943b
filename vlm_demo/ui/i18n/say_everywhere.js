// say('Drop it here'): the same in the page's language, which Gradio writes on the document.
// say('{n} places', {n: 3}) fills in values.
// say.whole('3 places found. Not all fit.') is for words that a server has filled in already: it finds the
// translation of the whole, or of each of its sentences. What it does not know, it leaves as it is.
// In a translation, {name|say} stands for a value that is one of our own words, and is translated too.
(() => {
  const languages = TRANSLATIONS;
  const own = () => languages[document.documentElement.lang.split('-')[0]];
  const templates = new Map();  // of a language: [pattern, translation] of words with gaps

  const filled = (words, values) => words.replace(/\{(\w+)(\|say)?\}/g, (gap, name, ours) =>
    name in values ? (ours ? say.whole(String(values[name]).trim()) : values[name]) : gap);

  function templatesOf(words) {
    if (!templates.has(words)) {
      const gaps = Object.keys(words).filter((key) => /\{\w+\}/.test(key));
      const fixed = (key) => key.replace(/\{\w+\}/g, '').length;
      gaps.sort((one, other) => fixed(other) - fixed(one));  // those that say most come first
      templates.set(words, gaps.map((key) => {
        const literal = key.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
        // What says little itself, such as "{n} of {all}", would else be found in many a sentence.
        const value = fixed(key) < 12 ? '\\S*?' : '.*?';
        return [new RegExp(`^${literal.replace(/\{(\w+)\}/g, `(?<$1>${value})`)}$`, 's'), words[key]];
      }));
    }
    return templates.get(words);
  }

  function translated(text, words) {
    if (Object.hasOwn(words, text)) return words[text];
    for (const [pattern, translation] of templatesOf(words)) {
      const match = pattern.exec(text);
      if (match) return filled(translation, match.groups);
    }
    return null;
  }

  function sentences(text, words) {
    const parts = text.split(/(?<=[.!?…]) /), said = [];
    for (let from = 0, to; from < parts.length; from = to) {
      let found = null;
      for (to = parts.length; to > from && found === null; to -= 1) found = translated(parts.slice(from, to).join(' '), words);
      to += 1;
      said.push(found === null ? `${parts[from]} ` : found);
    }
    return said.join('').trim();
  }

  window.say = (words, values = {}) => {
    const translations = own();
    return filled(translations && Object.hasOwn(translations, words) ? translations[words] : words, values);
  };
  window.say.whole = (text) => {
    const words = own();
    return words && /[A-Za-z]{2}/.test(text) ? sentences(text, words) : text;
  };
})();
