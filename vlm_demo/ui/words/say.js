// say('Drop it here'): the same in the browser's language. say('{n} places', {n: 3}) fills in values.
(() => {
  const languages = TRANSLATIONS;
  const preferred = navigator.languages.map((tag) => tag.toLowerCase().split('-')[0]);
  const own = languages[preferred.find((tag) => tag === 'en' || tag in languages)] || {};
  window.say = (words, values = {}) =>
    (own[words] || words).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
})();
