// Light or dark: the system's theme until another is chosen; `first.js` paints it.

const KEY = "vlm-demo.theme";

const systemTheme = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

const isDark = () => (document.documentElement.dataset.theme || systemTheme()) === "dark";

/** @param {string} theme "" for the system's own */
function store(theme) {
  try {
    if (theme) localStorage.setItem(KEY, theme);
    else localStorage.removeItem(KEY);
  } catch {
    // Storage is forbidden here: the theme holds until the page is left.
  }
}

/** Brings the switch in the header to life. */
export function listenForTheme() {
  const button = document.querySelector("#theme-button");
  const tell = () => button?.setAttribute("aria-pressed", String(isDark()));
  button?.addEventListener("click", () => {
    const wanted = isDark() ? "light" : "dark", theme = wanted === systemTheme() ? "" : wanted;
    document.documentElement.dataset.theme = theme;
    store(theme);
    tell();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
  tell();
}
