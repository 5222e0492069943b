// The views of the page: which is shown, its address, and moving between them.
//
// Gradio holds the views in tabs whose own bar is hidden, and builds a view when its button there is
// pressed for the first time. Which view is seen, a style decides by the page's data-view: a switch
// costs no more than showing what is there.

/** @typedef {"studio"|"arena"|"leaderboard"|"batch"|"models"} View */

const EVENT = "view";

/** @returns {HTMLElement[]} */
const headerTabs = () => [...document.querySelectorAll(/** @type {"a"} */ ("#views [role=tab]"))];

/** @param {string} view @returns {HTMLElement | null} */
const gradioButton = (view) => document.querySelector(`#${CSS.escape(view)}-tab-button`);

/** @type {Set<string>} the views that Gradio has built; it begins with its first tab */
const built = new Set(["studio"]);

/** @returns {string} the view that is shown */
export const currentView = () => document.documentElement.dataset.view || "studio";

/**
 * Calls a listener whenever another view is shown.
 * @param {(view: string) => void} listener
 * @returns {() => void} ends it
 */
export function onViewChange(listener) {
  /** @param {Event} event */
  const call = (event) => listener(/** @type {CustomEvent<string>} */ (event).detail);
  document.addEventListener(EVENT, call);
  return () => document.removeEventListener(EVENT, call);
}

/**
 * Shows a view, and puts its address into the history.
 * @param {string} view
 * @param {Record<string, string>} [parameters] further parts of the address, such as the conversation
 */
export function openView(view, parameters = {}) {
  const query = new URLSearchParams({ view, ...parameters });
  if (`?${query}` !== location.search) history.pushState(null, "", `?${query}`);
  show(view);
}

/** @param {string} view */
function show(view) {
  const before = currentView();
  document.documentElement.dataset.view = view;
  markTab(view);
  build(view);
  if (view !== before) document.dispatchEvent(new CustomEvent(EVENT, { detail: view }));
}

/** @param {string} view */
function build(view) {
  const button = gradioButton(view);
  if (!button || built.has(view)) return;
  built.add(view);
  button.click();
}

/** Builds the views one after the other while nothing else is to be done, so that they open at once. */
export async function buildAhead() {
  for (const { dataset } of headerTabs()) {
    await new Promise((resolve) => {
      if ("requestIdleCallback" in window) requestIdleCallback(resolve);
      else setTimeout(resolve, 200); // Safari
    });
    build(dataset.view ?? "");
  }
}

/** @param {string} view */
function markTab(view) {
  const tabs = headerTabs(), chosen = tabs.find((tab) => tab.dataset.view === view);
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", String(tab === chosen));
    tab.tabIndex = tab === (chosen ?? tabs[0]) ? 0 : -1;
  }
}

/** @returns {string} the view that the address names, or Studio */
function viewOfAddress() {
  const view = new URLSearchParams(location.search).get("view") ?? "";
  return view && gradioButton(view) ? view : "studio";
}

/** @param {KeyboardEvent} event */
function moveFocus(event) {
  const tabs = headerTabs(), at = tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  const next = tabs[(to + tabs.length) % tabs.length];
  next.focus();
  openView(next.dataset.view ?? "studio");
}

/** Shows the view of the address once Gradio has built its tabs. */
function awaitTabs() {
  if (!gradioButton("studio")) return false;
  show(viewOfAddress());
  return true;
}

/** @param {MouseEvent} event */
function followLink(event) {
  const link = event.target instanceof Element && event.target.closest("a[data-view]");
  if (!(link instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  openView(link.dataset.view ?? "studio");
}

/** @param {MouseEvent} event */
function skip(event) {
  const panel = document.querySelector(`#${CSS.escape(currentView())}-tab`);
  if (!(panel instanceof HTMLElement)) return;
  event.preventDefault();
  panel.tabIndex = -1;
  panel.focus();
}

/** Brings the header's tabs, links and the skip link to life. */
export function startViews() {
  markTab(currentView());
  document.querySelector("#views")?.addEventListener("keydown", (event) => moveFocus(/** @type {KeyboardEvent} */ (event)));
  document.addEventListener("click", followLink);
  document.querySelector(".skip-link")?.addEventListener("click", (event) => skip(/** @type {MouseEvent} */ (event)));
  addEventListener("popstate", () => show(viewOfAddress()));
  if (awaitTabs()) return;
  const building = new MutationObserver(() => { if (awaitTabs()) building.disconnect(); });
  building.observe(document.body, { subtree: true, childList: true });
}
