// The About panel: it opens in the place of the menu, and its link to the API opens Gradio's page about it.

const panel = () => /** @type {HTMLElement | null} */ (document.querySelector("#about"));

/** Brings the entry of the menu to life. The panel would be a part of the menu if HTML alone opened it. */
export function listenForAbout() {
  document.querySelector("#about-button")?.addEventListener("click", () => {
    /** @type {HTMLElement | null} */ (document.querySelector("#header-menu"))?.hidePopover();
    panel()?.showPopover();
  });
}

/** Brings the link to life; without Gradio's button it leads to the description for programs. */
export function listenForApiLink() {
  document.querySelector("#api-link")?.addEventListener("click", (event) => {
    const button = document.querySelector("gradio-app footer .show-api");
    if (!(button instanceof HTMLElement)) return;
    event.preventDefault();
    panel()?.hidePopover();
    button.click();
  });
}
