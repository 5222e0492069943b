// The language of the page: a cookie, since the server writes the first HTML in it.

const COOKIE = "vlm_demo_language", YEAR_S = 365 * 24 * 3600;

/** @param {string} language */
function choose(language) {
  // In a frame of another site, browsers send only cookies that allow it, and only over https.
  const where = location.protocol === "https:" ? "SameSite=None; Secure; Partitioned" : "SameSite=Lax";
  document.cookie = `${COOKIE}=${language}; Path=/; Max-Age=${YEAR_S}; ${where}`;
  location.reload();
}

/** Brings the language menu to life. */
export function listenForLanguage() {
  const menu = document.querySelector("#language-menu");
  const entries = [...(menu?.querySelectorAll("button") ?? [])];
  menu?.addEventListener("click", (event) => {
    const entry = event.target instanceof Element ? event.target.closest("button") : null;
    if (entry?.dataset.language) choose(entry.dataset.language);
  });
  menu?.addEventListener("keydown", (event) => {
    const { key } = /** @type {KeyboardEvent} */ (event), step = key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0;
    if (!step) return;
    const at = entries.findIndex((entry) => entry === document.activeElement);
    entries[(at + step + entries.length) % entries.length].focus();
    event.preventDefault();
  });
  menu?.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") entries.find((entry) => entry.ariaChecked === "true")?.focus();
  });
}
