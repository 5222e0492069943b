// The menu of the header, with the language of the page: a cookie, since the server writes the first HTML in it.

const COOKIE = "vlm_demo_language", YEAR_S = 365 * 24 * 3600;

/** @param {string} language */
function choose(language) {
  // In a frame of another site, browsers send only cookies that allow it, and only over https.
  const where = location.protocol === "https:" ? "SameSite=None; Secure; Partitioned" : "SameSite=Lax";
  document.cookie = `${COOKIE}=${language}; Path=/; Max-Age=${YEAR_S}; ${where}`;
  location.reload();
}

/** Brings the menu to life: arrow keys move in it, and it closes when About opens. */
export function listenForMenu() {
  const menu = document.querySelector("#header-menu"), button = document.querySelector("#menu-button");
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
    const isOpen = /** @type {ToggleEvent} */ (event).newState === "open";
    button?.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) entries.find((entry) => entry.ariaChecked === "true")?.focus();
  });
}
