// Makes and changes elements.

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Child | Child[] | Child[][]} Children */

const PROPERTIES = new Set(["value", "checked", "selected", "disabled", "hidden", "open", "indeterminate", "inert"]);
const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an HTML element.
 *
 * Of the attributes, `class` is a text or a list whose false members are left out, `style` and `data` are
 * objects (`style` takes custom properties too), and what begins with "on" is a listener. An attribute that
 * is null, undefined or false is left out; true stands for an attribute without a value.
 *
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Children} children what is null, undefined or false is left out
 * @returns {any} the element; its type depends on the tag
 */
export function h(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/**
 * Makes an SVG element; see `h`.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Children} children
 * @returns {any}
 */
export function svg(tag, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @param {Element} element
 * @param {Record<string, any>} attributes
 * @param {Children[]} children
 */
function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...flatten(children));
  return element;
}

/**
 * Sets one attribute as `h` does.
 * @param {any} element
 * @param {string} name
 * @param {any} value
 */
export function setAttribute(element, name, value) {
  if (typeof value === "function") element.addEventListener(name.slice(2), value);
  else if (name === "class") setClass(element, value);
  else if (name === "data") Object.assign(element.dataset, value);
  else if (name === "style") setStyle(element, value);
  else if (PROPERTIES.has(name) && element.namespaceURI !== SVG) element[name] = value ?? (name === "value" ? "" : false);
  else if ((value ?? false) === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/**
 * @param {ElementCSSInlineStyle} element
 * @param {Record<string, string>} values
 */
function setStyle(element, values) {
  for (const [name, value] of Object.entries(values)) element.style.setProperty(name, value);
}

/**
 * @param {Element} element
 * @param {string | (string | false | null | undefined)[]} value
 */
function setClass(element, value) {
  const names = Array.isArray(value) ? value.filter(Boolean).join(" ") : value;
  if (names) element.setAttribute("class", names);
  else element.removeAttribute("class");
}

/**
 * @param {any[]} children
 * @returns {(Node | string)[]}
 */
function flatten(children) {
  return children.flat(2).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/**
 * Puts children in the place of all that an element has.
 * @param {Element} element
 * @param {...Children} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...flatten(children));
}

/**
 * Sets the text of an element where it differs: a screen reader would read the same text again.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Brings the children of an element into an order without touching those that are in place, so that none
 * loses the focus.
 * @param {Element} parent
 * @param {Node[]} nodes
 */
export function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => {
    const present = parent.childNodes[index];
    if (present !== node) parent.insertBefore(node, present ?? null);
  });
}
