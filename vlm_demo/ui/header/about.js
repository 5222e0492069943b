// The About panel: its link to the API opens Gradio's page about it.

/** Brings the link to life; without Gradio's button it leads to the description for programs. */
export function listenForApiLink() {
  document.querySelector("#api-link")?.addEventListener("click", (event) => {
    const button = document.querySelector("gradio-app footer .show-api");
    if (!(button instanceof HTMLElement)) return;
    event.preventDefault();
    /** @type {HTMLElement | null} */ (document.querySelector("#about"))?.hidePopover();
    button.click();
  });
}
