/**
 * Two ways of asking before something is done that cannot be undone.
 *
 * Does:       say what will happen, and wait for another press, or for a name to be typed.
 * Guarantees: no number of presses in one place does it: the question never stands where the button
 *             was, and a double click counts as one.
 */
import { h, icon } from './dom.js';
import { form } from './form.js';

/**
 * @param {object} parts
 * @param {string} parts.id of the form that asks: several may be open on one page
 * @param {string} parts.word on the first button
 * @param {string} parts.glyph its icon
 * @param {string} parts.about what will happen
 * @param {string} parts.deed on the button that does it
 * @param {() => Promise<void>} parts.act
 * @param {{label: string, word: string}} [parts.typed] what must be typed first
 * @returns {HTMLElement}
 */
export function confirmed({ id, word, glyph, about, deed, act, typed }) {
  const open = h('button', { class: 'button button--quiet', type: 'button', 'aria-expanded': 'false' }, icon(glyph), word);
  const cancel = h('button', { class: 'button', type: 'button' }, 'Cancel');
  const element = h('div', { class: 'confirm' }, open);

  const show = () => {
    const question = form({
      id,
      submit: deed,
      fields: typed ? [{ name: 'typed', label: typed.label }] : [],
      check: (values) => faults(values.typed, typed?.word),
      send: act,
      extra: [cancel],
    });
    question.querySelector('[type="submit"]')?.classList.replace('button--main', 'button--danger');
    open.setAttribute('aria-expanded', 'true');
    element.replaceChildren(open, h('p', { class: 'confirm__about', role: 'status' }, about), question);
    /** @type {HTMLElement} */ (question.querySelector('input') ?? cancel).focus();
  };
  const hide = () => {
    element.replaceChildren(open);
    open.setAttribute('aria-expanded', 'false');
    open.focus();
  };
  open.addEventListener('click', (/** @type {MouseEvent} */ event) => {
    if (event.detail > 1) return;
    if (element.contains(cancel)) hide();
    else show();
  });
  cancel.addEventListener('click', hide);
  return element;
}

/**
 * @param {string | undefined} typed
 * @param {string | undefined} wanted
 * @returns {Record<string, string>}
 */
function faults(typed, wanted) {
  return wanted === undefined || typed === wanted ? {} : { typed: `must be ${wanted}` };
}
