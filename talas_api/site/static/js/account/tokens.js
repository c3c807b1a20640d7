/**
 * Personal tokens, in the account's dialog: list them, end one, make one.
 *
 * Never:      shows a token twice: nobody has it but who wrote it down.
 */
import { copyButton } from '../kit/clipboard.js';
import { h } from '../kit/dom.js';
import { form } from '../kit/form.js';
import { moment } from '../kit/words.js';

/** What a token may be for, by the API's names. @type {[string, string][]} */
const SCOPES = [
  ['profile:read', 'Read the profile'],
  ['stations:write', 'Make and change stations'],
  ['rooms:read', 'Read rooms'],
  ['chat:write', 'Talk in rooms'],
];

/** @typedef {{id: string, name: string, scopes: string[], expires_at: string, used_at: string | null}} Token */

/**
 * @param {import('./session.js').Session} session
 * @returns {Node[]} fills by itself
 */
export function tokenPart(session) {
  const list = h('ul', { class: 'devices' });
  const problem = h('p', { class: 'form__problem', role: 'alert' });
  const made = h('div', {});

  /** @param {string} [id] what is ended first */
  async function look(id) {
    problem.textContent = '';
    try {
      if (id) await session.request('DELETE', `/api/auth/tokens/${id}`);
      const { data } = await session.request('GET', '/api/auth/tokens');
      list.replaceChildren(...data.map((/** @type {Token} */ one) => row(one, look)));
      list.hidden = data.length === 0;
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message;
    }
  }

  look();
  return [
    h('p', { class: 'part__about' }, 'A program signs in with a token of its own, which opens no more than you choose.'),
    list, problem, made,
    newToken(session, (name, token) => {
      made.replaceChildren(shown(name, token));
      look();
    }),
  ];
}

/**
 * @param {Token} token
 * @param {(id: string) => Promise<void>} look
 */
function row({ id, name, scopes, expires_at: until, used_at: used }, look) {
  const when = `until ${moment(new Date(until))}${used ? `, used ${moment(new Date(used))}` : ''}`;
  return h(
    'li',
    { class: 'devices__one' },
    h('div', { class: 'devices__what' }, h('span', { class: 'devices__name' }, name),
      h('span', { class: 'devices__when' }, `${scopes.join(', ')} \u00b7 ${when}`)),
    h('button', { class: 'button', type: 'button', 'aria-label': `End: ${name}`, on: { click: () => look(id) } }, 'End'),
  );
}

/**
 * @param {string} name
 * @param {string} token
 */
function shown(name, token) {
  return h('div', { class: 'part__more' },
    h('p', { role: 'status' }, `The token of ${name}. It is shown this once.`),
    h('div', { class: 'code' }, h('code', { id: 'new-token' }, token), copyButton('the token', () => token)));
}

/**
 * @param {import('./session.js').Session} session
 * @param {(name: string, token: string) => void} made
 */
function newToken(session, made) {
  const boxes = SCOPES.map(([scope, words]) => ({ scope, words, box: h('input', { type: 'checkbox', value: scope }) }));
  const choice = h('fieldset', { class: 'choice' }, h('legend', { class: 'field__label' }, 'What it may do'),
    ...boxes.map(({ box, words }) => h('label', { class: 'choice__one' }, box, words)));
  const element = form({
    id: 'token-form',
    submit: 'Make a token',
    fields: [
      { name: 'name', label: 'Name', maxlength: 64, hint: 'What uses it.' },
      { name: 'days', label: 'Days', type: 'number', value: '90', hint: '1 to 365.' },
      { name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' },
      { name: 'code', label: 'Code', autocomplete: 'one-time-code', maxlength: 64, hint: 'Where a second factor is on.' },
    ],
    check: faults,
    between: [choice],
    send: async ({ name, days, password, code }) => {
      const scopes = boxes.filter(({ box }) => box.checked).map(({ scope }) => scope);
      if (scopes.length === 0) throw new Error('Choose one thing or more that it may do.');
      const wish = { name, scopes, days: Number(days), password, ...(code ? { code } : {}) };
      const { data } = await session.request('POST', '/api/auth/tokens', wish);
      element.reset();
      made(name, data.token);
    },
  });
  return element;
}

/**
 * @param {Record<string, string>} values
 * @returns {Record<string, string>}
 */
function faults({ name, days, password }) {
  const number = Number(days);
  return {
    ...(name ? {} : { name: 'is required' }),
    ...(Number.isInteger(number) && number >= 1 && number <= 365 ? {} : { days: 'must be 1 to 365' }),
    ...(password ? {} : { password: 'is required' }),
  };
}
