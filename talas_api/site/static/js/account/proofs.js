/**
 * What a mail or an authenticator proves.
 *
 * Does:       read the token of a mailed link from the address; ask for what is needed to use it;
 *             ask for the code of a second factor, or for the mail that sets a new password.
 * Never:      leaves a token in the address, where the history would keep it.
 */
import { h } from '../kit/dom.js';
import { form } from '../kit/form.js';

const LINK = /^#(verify|reset|email)\/([A-Za-z0-9_-]{16,64})$/;

/**
 * @typedef {object} Proof
 * @property {'verify' | 'reset' | 'email'} purpose
 * @property {string} token
 */

/**
 * @param {string} hash as in `location.hash`
 * @returns {Proof | null} null unless it is a mailed link's
 */
export function proofIn(hash) {
  const found = LINK.exec(hash);
  return found && { purpose: /** @type {Proof['purpose']} */ (found[1]), token: found[2] ?? '' };
}

/**
 * The content of a dialog for a mailed link.
 *
 * @param {Proof} proof
 * @param {import('./session.js').Session} session
 * @param {() => void} signIn
 */
export function proofContent({ purpose, token }, session, signIn) {
  if (purpose === 'reset') return resetContent(session, token, signIn);
  return addressContent(session, purpose === 'verify' ? '/api/auth/verify-email' : '/api/auth/email/confirm', token);
}

/**
 * @param {import('./session.js').Session} session
 * @param {{email: string, password: string}} credentials
 */
export function codeContent(session, credentials) {
  return [
    title('One more step', 'The six digits your authenticator shows, or one of your recovery codes.'),
    form({
      id: 'code-form',
      submit: 'Sign in',
      fields: [{ name: 'code', label: 'Code', autocomplete: 'one-time-code', maxlength: 64 }],
      check: ({ code = '' }) => (code.length < 6 ? { code: 'must be six digits, or a recovery code' } : {}),
      send: ({ code = '' }) => session.signIn({ ...credentials, code }),
    }),
  ].flat();
}

/**
 * @param {import('./session.js').Session} session
 * @param {(content: Node[]) => void} show
 */
export function forgottenContent(session, show) {
  return [
    title('A new password', 'We mail you a link to set it with.'),
    form({
      id: 'forgotten-form',
      submit: 'Send the link',
      fields: [{ name: 'email', label: 'E-mail', type: 'email', autocomplete: 'username', maxlength: 254 }],
      check: ({ email }) => (email ? {} : { email: 'is required' }),
      send: async ({ email }) => {
        await session.call('POST', '/api/auth/password/forgot', { body: { email } });
        show(title('Look into your mail', 'If there is such an account, a link is on its way. It works for an hour.'));
      },
    }),
  ].flat();
}

/**
 * @param {import('./session.js').Session} session
 * @param {string} path what takes the token
 * @param {string} token
 */
function addressContent(session, path, token) {
  const said = h('p', { class: 'dialog__about', role: 'status' }, 'One moment.');
  session.call('POST', path, { body: { token } }).then(
    () => { said.textContent = 'Thank you: the address is yours.'; },
    (error) => { said.textContent = error.message; },
  );
  return [h('h2', { id: 'account-title' }, 'Your e-mail address'), said];
}

/**
 * @param {import('./session.js').Session} session
 * @param {string} token
 * @param {() => void} signIn
 */
function resetContent(session, token, signIn) {
  return [
    title('A new password', 'It ends every sign-in there is, this one too.'),
    form({
      id: 'reset-form',
      submit: 'Set password',
      fields: [{ name: 'new_password', label: 'New password', type: 'password', autocomplete: 'new-password', hint: '8 characters or more; a sentence is good.' }],
      check: ({ new_password: given = '' }) => ([...given].length < 8 ? { new_password: 'must be 8 characters or more' } : {}),
      send: async (values) => {
        await session.call('POST', '/api/auth/password/reset', { body: { token, ...values } });
        signIn();
      },
    }),
  ].flat();
}

/**
 * @param {string} words
 * @param {string} about
 */
function title(words, about) {
  return [h('h2', { id: 'account-title' }, words), h('p', { class: 'dialog__about' }, about)];
}
