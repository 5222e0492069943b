// The blocks of an answer as elements. The server makes them of the model's words and lets nothing harmful through; a
// conversation may also come out of a file that anybody wrote, so only what is listed here gets onto the page.

/** Elements of Markdown, and those of MathML. */
const ELEMENTS = new Set((
  "p br hr h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong s del sub sup table thead tbody tr th td a mark span div "
  + "math mrow mi mo mn ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mtable mtr mtd mstyle mpadded menclose"
).split(" "));

/** Elements that are left out with all that they hold. */
const DROPPED = new Set("script style iframe object embed template noscript form input button select textarea img svg video audio link meta base".split(" "));

/** Attributes whose value can do no harm. */
const ATTRIBUTES = new Set((
  "dir lang start colspan rowspan scope display mathvariant stretchy fence separator accent accentunder linethickness "
  + "columnalign rowspacing columnspacing width height depth lspace rspace minsize maxsize form notation"
).split(" "));

const CLASSES = /^(phrase|unplaced|math|math-block|language-[\w+#-]{1,30})$/;

/**
 * @param {string} html a block
 * @returns {Node[]}
 */
export function parseBlock(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  return [...parsed.body.childNodes].flatMap(clean);
}

/**
 * Copies a node with what is allowed of it; of an unknown element, what it holds.
 * @param {Node} node
 * @returns {Node[]}
 */
function clean(node) {
  if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.textContent ?? "")];
  if (!(node instanceof Element)) return [];
  const name = node.localName;
  if (DROPPED.has(name)) return [];
  const children = [...node.childNodes].flatMap(clean);
  if (!ELEMENTS.has(name)) return children;
  const copy = document.createElementNS(node.namespaceURI, name);
  for (const { name: attribute, value } of node.attributes) if (ATTRIBUTES.has(attribute)) copy.setAttribute(attribute, value);
  const classes = [...node.classList].filter((one) => CLASSES.test(one));
  if (classes.length) copy.setAttribute("class", classes.join(" "));
  copy.append(...children);
  finish(node, copy);
  return [copy];
}

/**
 * @param {Element} node as it came
 * @param {Element} copy
 */
function finish(node, copy) {
  const index = node.getAttribute("data-mention");
  if (copy.localName === "mark" && index && /^\d{1,6}$/.test(index)) {
    copy.setAttribute("data-mention", index);
    copy.setAttribute("tabindex", "0");
    copy.setAttribute("role", "button");
  }
  if (copy.localName === "a") linkSafely(node, copy);
  const align = /^\s*text-align:\s*(left|right|center)\s*;?\s*$/.exec(node.getAttribute("style") ?? "");
  if (align && copy instanceof HTMLElement) copy.style.textAlign = align[1];
  if (copy.localName === "pre") copy.setAttribute("tabindex", "0"); // it scrolls sideways
}

/**
 * @param {Element} node
 * @param {Element} copy
 */
function linkSafely(node, copy) {
  const address = node.getAttribute("href") ?? "";
  if (!/^https?:\/\//i.test(address)) return;
  copy.setAttribute("href", address);
  copy.setAttribute("target", "_blank");
  copy.setAttribute("rel", "noopener noreferrer nofollow");
}
