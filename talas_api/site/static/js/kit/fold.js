/**
 * Long texts that fold.
 *
 * Does:       show the beginning of a long text with a button for the rest.
 * Never:      measures the page: a text's length and its lines say whether it folds.
 * Guarantees: the whole text is in the element, folded or not: it can be searched, and read aloud.
 */
import { h } from './dom.js';

/** @typedef {{letters: number, lines: number}} Limits a text within these is shown whole */

/** @type {Limits} */
const USUAL = { letters: 600, lines: 11 };

/**
 * Whether a text folds.
 *
 * @param {string} text
 * @param {Limits} [limits]
 */
export function isLong(text, { letters, lines } = USUAL) {
  return text.length > letters || text.split('\n', lines + 1).length > lines;
}

/**
 * @param {string} text
 * @param {Record<string, any>} properties of the paragraph, as `h` takes them
 * @param {Limits} [limits]
 * @returns {HTMLElement} the paragraph, or one with its button
 */
export function foldable(text, properties, limits = USUAL) {
  const paragraph = h('p', properties, text);
  if (!isLong(text, limits)) return paragraph;
  const button = h('button', { class: 'link fold__more', type: 'button', 'aria-expanded': 'false' }, 'More');
  const element = h('div', { class: 'fold', data: { open: 'false' } }, paragraph, button);
  button.addEventListener('click', () => {
    const open = element.dataset.open !== 'true';
    element.dataset.open = String(open);
    button.textContent = open ? 'Less' : 'More';
    button.setAttribute('aria-expanded', String(open));
  });
  return element;
}
