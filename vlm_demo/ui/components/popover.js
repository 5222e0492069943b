// Panels and menus that open from a button, on top of the page.
import { h } from "./dom.js";

const GAP = 6, EDGE = 8; // pixels between a button and its panel, and around the window

/**
 * Opens a panel from a button: below it, or above where there is more room. Escape and a click elsewhere close it, and
 * the focus goes back to the button.
 *
 * @param {HTMLElement} button
 * @param {HTMLElement} panel is put beside the button
 * @param {{onOpen?: () => void, onClose?: () => void, kind?: "menu" | "dialog"}} [options]
 * @returns {{open: () => void, close: () => void}}
 */
export function attachPopover(button, panel, { onOpen, onClose, kind = "dialog" } = {}) {
  panel.popover = "auto";
  panel.classList.add("popover");
  button.setAttribute("aria-haspopup", kind);
  button.setAttribute("aria-expanded", "false");
  let closedAt = 0;
  const open = () => {
    if (!panel.isConnected) button.after(panel);
    onOpen?.();
    panel.showPopover();
    place(button, panel);
  };
  const close = () => panel.isConnected && panel.hidePopover();
  button.addEventListener("click", () => {
    // A click on the button closes the panel before it comes here.
    if (performance.now() - closedAt > 150 && !panel.matches(":popover-open")) open();
    else close();
  });
  panel.addEventListener("toggle", (event) => {
    const isOpen = /** @type {ToggleEvent} */ (event).newState === "open";
    button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) return;
    closedAt = performance.now();
    if (panel.contains(document.activeElement) || document.activeElement === document.body) button.focus();
    onClose?.();
  });
  return { open, close };
}

/**
 * @param {HTMLElement} button
 * @param {HTMLElement} panel
 */
function place(button, panel) {
  const at = button.getBoundingClientRect(), width = panel.offsetWidth, height = panel.offsetHeight;
  const below = innerHeight - at.bottom - GAP - EDGE, above = at.top - GAP - EDGE;
  const goesUp = height > below && above > below;
  const top = goesUp ? Math.max(EDGE, at.top - GAP - height) : at.bottom + GAP;
  const left = Math.max(EDGE, Math.min(at.left, innerWidth - width - EDGE));
  Object.assign(panel.style, { inset: "auto", margin: "0", top: `${top}px`, left: `${left}px`, maxHeight: `${goesUp ? above : below}px` });
}

/**
 * @typedef {{label: string, icon?: Node, hint?: string, keys?: string, act?: () => void, disabled?: boolean, checked?: boolean,
 *   data?: Record<string, string>, children?: MenuItem[]} | null} MenuItem `keys`: that do the same; `children`: take the
 *   place of the items once it is chosen; null: a line between groups
 */

/**
 * Opens a menu from a button. Arrow keys move in it; items are made each time that it opens.
 *
 * @param {HTMLElement} button
 * @param {() => MenuItem[]} makeItems
 * @param {string} label
 */
export function attachMenu(button, makeItems, label) {
  const menu = h("div", { role: "menu", class: "menu", "aria-label": label, onkeydown: (/** @type {KeyboardEvent} */ event) => moveFocus(event) });
  const { open, close } = attachPopover(button, menu, {
    kind: "menu",
    onOpen: () => show(makeItems()),
  });
  const show = (/** @type {MenuItem[]} */ items) => menu.replaceChildren(...items.map((item) => (item ? makeItem(item, () => close(), unfold) : h("hr", { role: "separator" }))));
  const unfold = (/** @type {MenuItem[]} */ items) => {
    show(items);
    place(button, menu);
    focusable(menu)[0]?.focus();
  };
  menu.addEventListener("toggle", (/** @type {Event} */ event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") (focusable(menu).find((one) => one.ariaChecked === "true") ?? focusable(menu)[0])?.focus();
  });
  button.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    open();
  });
  return { open, close };
}

/**
 * @param {NonNullable<MenuItem>} item
 * @param {() => void} close
 * @param {(items: MenuItem[]) => void} unfold
 */
function makeItem({ label, icon, hint, keys, act, disabled = false, checked, data = {}, children }, close, unfold) {
  const press = () => {
    if (disabled) return;
    if (children) return void unfold(children);
    close();
    act?.();
  };
  return h(
    "button",
    {
      type: "button", role: checked === undefined ? "menuitem" : "menuitemradio", "aria-checked": checked === undefined ? null : String(checked),
      "aria-disabled": disabled ? "true" : null, "aria-keyshortcuts": keys?.replace("Ctrl", "Control") ?? null, class: "menu-item", data, tabindex: -1, onclick: press,
    },
    icon, h("span", { class: "menu-text" }, h("span", {}, label), hint ? h("small", {}, hint) : null), keys || children ? h("kbd", { "aria-hidden": "true" }, children ? "›" : keys) : null,
  );
}

/**
 * @param {Element} menu
 * @returns {HTMLElement[]}
 */
const focusable = (menu) => [.../** @type {NodeListOf<HTMLElement>} */ (menu.querySelectorAll(".menu-item"))];

/** @param {KeyboardEvent} event */
function moveFocus(event) {
  const items = focusable(/** @type {Element} */ (event.currentTarget)), at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined || !items.length) return;
  event.preventDefault();
  items[(to + items.length) % items.length].focus();
}
