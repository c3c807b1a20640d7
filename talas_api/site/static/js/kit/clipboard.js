/**
 * A button that copies.
 *
 * Does:       put a text on the clipboard and say so on the button for a moment.
 * Guarantees: works on a page served without TLS too, where the clipboard's own interface is absent.
 */
import { h, icon } from './dom.js';

const SHOWN_MS = 1800;

/**
 * @param {string} what is copied, e.g. "the key"
 * @param {() => string} text
 * @param {string} [name] what the button says
 * @returns {HTMLButtonElement}
 */
export function copyButton(what, text, name = 'Copy') {
  const word = h('span', { role: 'status' }, name);
  const glyph = h('span', { class: 'copy__icon' }, icon('copy'));
  const button = h('button', { class: 'copy', type: 'button' }, glyph, word, h('span', { class: 'unseen' }, ` ${what}`));
  let timer = 0;
  button.addEventListener('click', async () => {
    const done = await copy(text());
    word.textContent = done ? 'Copied' : 'Select and copy it';
    glyph.replaceChildren(icon(done ? 'check' : 'copy'));
    clearTimeout(timer);
    timer = setTimeout(() => {
      word.textContent = name;
      glyph.replaceChildren(icon('copy'));
    }, SHOWN_MS);
  });
  return button;
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** @param {string} text */
function copyBySelection(text) {
  const field = h('textarea', { class: 'unseen', readonly: true, 'aria-hidden': 'true' });
  const before = document.activeElement;
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}
