/**
 * Where a message is written.
 *
 * Does:       send on Enter, break the line on Shift+Enter; say how much room is left near the limit;
 *             keep what was begun in one room for that room.
 * Never:      sends while an input method is still composing; sends nothing but blanks.
 */
import { h, icon } from '../kit/dom.js';

const LIMIT = 4000;
const NEAR = 400;

/**
 * @param {(text: string) => void} send
 * @returns {{element: HTMLElement, enter: (room: string) => void, clear: () => void}} `enter` shows
 *   another room's draft; `clear` forgets every draft, since somebody else may sit here now
 */
export function composer(send) {
  const field = h('textarea', {
    class: 'composer__field', id: 'chat-field', rows: 1, 'aria-label': 'Message',
    placeholder: 'Say something', enterkeyhint: 'send', autocomplete: 'off', dir: 'auto',
    'aria-describedby': 'chat-room-left',
  });
  const left = h('p', { class: 'composer__left', id: 'chat-room-left', role: 'status' });
  const button = h('button', { class: 'icon-button composer__send', type: 'submit', 'aria-label': 'Send' }, icon('send'));
  const element = h('form', { class: 'composer' }, field, button, left);

  const look = () => {
    const room = LIMIT - [...field.value].length;
    left.textContent = room < NEAR ? `${room} characters left` : '';
    left.dataset.over = String(room < 0);
    button.disabled = room < 0 || field.value.trim() === '';
    grow(field);
  };
  element.addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    if (button.disabled) return;
    send(field.value.trim());
    field.value = '';
    look();
    field.focus();
  });
  field.addEventListener('input', look);
  field.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    element.requestSubmit();
  });
  look();

  /** @type {Map<string, string>} */
  const drafts = new Map();
  let here = '';
  const enter = (/** @type {string} */ room) => {
    drafts.set(here, field.value);
    here = room;
    field.value = drafts.get(room) ?? '';
    look();
  };
  const clear = () => {
    drafts.clear();
    field.value = '';
    look();
  };
  return { element, enter, clear };
}

/** Browsers without `field-sizing` need help. @param {HTMLTextAreaElement} field */
function grow(field) {
  if (CSS.supports('field-sizing', 'content')) return;
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
}
