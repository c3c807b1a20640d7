/**
 * Parts of the account's dialog: the name, the e-mail address, the password.
 *
 * Never:      keeps a password once it was sent.
 */
import { h } from '../kit/dom.js';
import { form } from '../kit/form.js';
import { faultsOfEmail } from './rules.js';

/**
 * @param {import('./session.js').Session} session
 * @returns {Node[]} fills by itself
 */
export function profilePart(session) {
  const body = h('div', {}, h('p', { class: 'part__about', role: 'status' }, 'One moment.'));
  const show = async () => {
    const { data } = await session.request('GET', '/api/auth/profile');
    body.replaceChildren(nameForm(session, data.display_name), email(session, data), emailForm(session, show));
  };
  show().catch((error) => body.replaceChildren(h('p', { class: 'form__problem', role: 'alert' }, error.message)));
  return [body];
}

/**
 * @param {import('./session.js').Session} session
 * @param {string} name
 */
function nameForm(session, name) {
  return form({
    id: 'profile-form',
    submit: 'Save',
    fields: [{ name: 'display_name', label: 'Display name', value: name, maxlength: 64, autocomplete: 'name' }],
    check: ({ display_name: given }) => (given ? {} : { display_name: 'must be 1 to 64 characters, not all blank' }),
    send: async (values) => {
      await session.request('PATCH', '/api/auth/profile', values);
    },
    done: 'Saved.',
  });
}

/**
 * @param {import('./session.js').Session} session
 * @param {{email: string, email_verified: boolean}} account
 */
function email(session, { email: address, email_verified: verified }) {
  const said = h('p', { class: 'part__about', role: 'status' });
  const ask = async () => {
    try {
      await session.request('POST', '/api/auth/verify-email/request');
      said.textContent = 'A link is on its way. It works for a day.';
    } catch (error) {
      said.textContent = /** @type {Error} */ (error).message;
    }
  };
  const button = h('button', { class: 'button', type: 'button', id: 'verify-email', on: { click: ask } }, 'Mail me a link to verify it');
  return h('div', { class: 'part__more' },
    h('p', {}, address),
    h('p', { class: 'part__about' }, verified ? 'Verified.' : 'Not verified yet.'),
    verified ? null : button,
    said);
}

/**
 * Another address: at once, or once a link that was mailed there was opened.
 *
 * @param {import('./session.js').Session} session
 * @param {() => Promise<void>} changed
 */
function emailForm(session, changed) {
  const said = h('p', { class: 'part__about', role: 'status', id: 'email-said' });
  const element = form({
    id: 'email-form',
    submit: 'Change e-mail',
    fields: [
      { name: 'email', label: 'New e-mail', type: 'email', autocomplete: 'email', maxlength: 254 },
      { name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' },
      { name: 'code', label: 'Code', autocomplete: 'one-time-code', maxlength: 64, hint: 'Where a second factor is on.' },
    ],
    check: faultsOfEmail,
    send: async ({ email: address, password, code }) => {
      said.textContent = '';
      const { data } = await session.request('POST', '/api/auth/email', { email: address, password, ...(code ? { code } : {}) });
      element.reset();
      if (data.changed) await changed();
      else said.textContent = 'A link is on its way to the new address. It becomes yours here when you open that, within a day.';
    },
  });
  return h('div', { class: 'part__more' }, element, said);
}

/**
 * @param {import('./session.js').Session} session
 * @returns {Node[]}
 */
export function passwordPart(session) {
  const element = form({
    id: 'password-form',
    submit: 'Change password',
    fields: [
      { name: 'current_password', label: 'Password now', type: 'password', autocomplete: 'current-password' },
      { name: 'new_password', label: 'New password', type: 'password', autocomplete: 'new-password', hint: '8 characters or more; a sentence is good.' },
    ],
    check: ({ current_password: now, new_password: next = '' }) => ({
      ...(now ? {} : { current_password: 'is required' }),
      ...([...next].length < 8 ? { new_password: 'must be 8 characters or more' } : {}),
    }),
    send: async (values) => {
      await session.request('POST', '/api/auth/password', values);
      element.reset();
    },
    done: 'Changed. Every other sign-in has ended.',
  });
  return [element];
}
