/**
 * Making and finding elements.
 *
 * Does:       build elements from plain values; draw icons from the sprite.
 * Never:      parses markup: every text becomes a text node, so nothing a person wrote can be read
 *             as HTML (the page's policy forbids it as well).
 */

const SPRITE = new URL('../../img/icons.svg', import.meta.url).pathname;
const SVG = 'http://www.w3.org/2000/svg';
/** ISO/IEC 18004 wants four modules of nothing around a code. */
const QR_MARGIN = 4;

/**
 * An element. Properties: `class`, `on` (a map of listeners), `data` (a dataset), anything else is
 * an attribute; `true` is an empty attribute, `false`, `null` and `undefined` are none.
 *
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {any}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'on') {
      for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    } else if (name === 'data') {
      Object.assign(element.dataset, value);
    } else {
      attribute(element, name, value);
    }
  }
  element.append(...children.filter(present).map(nodeOrText));
  return element;
}

/**
 * Set, empty or remove an attribute, by the rules of `h`.
 *
 * @param {Element} element
 * @param {string} name
 * @param {any} value
 */
export function attribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}

/**
 * An icon of the sprite, hidden from screen readers: the button around it has the name.
 *
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/**
 * A QR code, light around it on all sides as scanners need it.
 *
 * @param {string} name what it says, for who does not see it
 * @param {string[]} rows of modules, "1" a dark one
 * @returns {SVGSVGElement}
 */
export function qrCode(name, rows) {
  const size = rows.length + 2 * QR_MARGIN;
  const svg = document.createElementNS(SVG, 'svg');
  const dark = document.createElementNS(SVG, 'path');
  const place = (/** @type {string} */ row, /** @type {number} */ y) =>
    [...row.matchAll(/1+/gu)].map(({ index, 0: run }) => `M${index} ${y}h${run.length}v1h-${run.length}z`).join('');
  const given = { class: 'qr', role: 'img', 'aria-label': name, viewBox: `${-QR_MARGIN} ${-QR_MARGIN} ${size} ${size}` };
  for (const [key, value] of Object.entries(given)) svg.setAttribute(key, value);
  dark.setAttribute('d', rows.map(place).join(''));
  svg.append(dark);
  return svg;
}

/**
 * Show another icon in a button that has one.
 *
 * @param {Element} button
 * @param {string} name
 */
export function swapIcon(button, name) {
  button.querySelector('use')?.setAttribute('href', `${SPRITE}#${name}`);
}

/**
 * The element with this id. Throws where the page lacks it: page and modules must fit.
 *
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/**
 * Replace what is in `element`, if it differs; a screen reader hears only what changed.
 *
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Make `parent` hold just these nodes in this order, moving as few as possible: what stays in place
 * keeps its focus, selection and scroll position.
 *
 * @param {Element} parent
 * @param {Node[]} nodes
 */
export function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const node of [...parent.childNodes]) if (!wanted.has(node)) node.remove();
  let at = parent.firstChild;
  for (const node of nodes) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
}

/** @param {any} child */
function present(child) {
  return child !== null && child !== undefined && child !== false;
}

/** @param {any} child */
function nodeOrText(child) {
  return child instanceof Node ? child : String(child);
}
