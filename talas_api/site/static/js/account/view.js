/**
 * The account's corner: sign in, sign up, who you are, sign out.
 *
 * Does:       show a button or a name; ask in a dialog.
 * Never:      keeps what was typed once the dialog closes.
 */
import { h, icon } from '../kit/dom.js';
import { form } from '../kit/form.js';
import { fingerprint } from '../kit/words.js';
import { faultsOfSignIn, faultsOfSignUp } from './rules.js';

const EMAIL = { name: 'email', label: 'E-mail', type: 'email', maxlength: 254 };
const WORDS = {
  in: { title: 'Sign in', about: 'To talk in the rooms, and to broadcast.' },
  up: { title: 'Create an account', about: 'A name to talk under, and a station if you want one.' },
};

/**
 * @param {HTMLElement} corner
 * @param {import('./session.js').Session} session
 * @returns {{ask: (which?: 'in' | 'up') => void}}
 */
export function accountCorner(corner, session) {
  const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'account-title' });
  document.body.append(dialog);
  dialog.addEventListener('close', () => dialog.replaceChildren());
  // A press beside the dialog closes it: only the backdrop is the dialog element itself.
  dialog.addEventListener('pointerdown', (/** @type {Event} */ event) => {
    if (event.target === dialog) dialog.close();
  });

  /** @param {'in' | 'up'} [which] */
  function ask(which = 'in') {
    dialog.replaceChildren(...dialogContent(dialog, session, which, ask));
    if (!dialog.open) dialog.showModal();
    dialog.querySelector('input')?.focus();
  }

  session.account.subscribe((account) => {
    corner.hidden = account === undefined;
    if (account) corner.replaceChildren(...signedIn(account, session));
    else corner.replaceChildren(signInButton(ask));
    if (account && dialog.open) dialog.close();
  });
  return { ask };
}

/** @param {(which?: 'in' | 'up') => void} ask */
function signInButton(ask) {
  const press = () => ask('in');
  return h('button', { class: 'button', type: 'button', id: 'sign-in', on: { click: press } }, 'Sign in');
}

/**
 * @param {import('./session.js').Account} account
 * @param {import('./session.js').Session} session
 */
function signedIn(account, session) {
  const leave = async (/** @type {any} */ event) => {
    event.target.disabled = true;
    await session.signOut();
  };
  return [
    h(
      'span',
      { class: 'account__name', title: account.email },
      h('span', { class: 'avatar', 'aria-hidden': 'true', data: { tone: fingerprint(account.id) % 6 } },
        account.username.slice(0, 1).toUpperCase()),
      h('span', { class: 'account__word' }, account.username),
    ),
    h('button', { class: 'button button--quiet', type: 'button', id: 'sign-out', on: { click: leave } }, 'Sign out'),
  ];
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {import('./session.js').Session} session
 * @param {'in' | 'up'} which
 * @param {(which: 'in' | 'up') => void} ask
 */
function dialogContent(dialog, session, which, ask) {
  const other = which === 'in' ? 'up' : 'in';
  const close = h('button', { class: 'icon-button dialog__close', type: 'button', 'aria-label': 'Close',
    on: { click: () => dialog.close() } }, icon('close'));
  const swap = h('button', { class: 'button button--quiet', type: 'button', id: `go-${other}`,
    on: { click: () => ask(other) } }, which === 'in' ? 'Create an account' : 'I have an account');
  return [
    close,
    h('h2', { id: 'account-title' }, WORDS[which].title),
    h('p', { class: 'dialog__about' }, WORDS[which].about),
    which === 'in' ? signInForm(session, swap) : signUpForm(session, swap),
  ];
}

/**
 * @param {import('./session.js').Session} session
 * @param {HTMLElement} swap
 */
function signInForm(session, swap) {
  return form({
    id: 'sign-in-form',
    submit: 'Sign in',
    fields: [
      { ...EMAIL, autocomplete: 'username' },
      { name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' },
    ],
    check: faultsOfSignIn,
    send: (values) => session.signIn(/** @type {any} */ (values)),
    extra: [swap],
  });
}

/**
 * @param {import('./session.js').Session} session
 * @param {HTMLElement} swap
 */
function signUpForm(session, swap) {
  return form({
    id: 'sign-up-form',
    submit: 'Create account',
    fields: [
      { name: 'username', label: 'Username', autocomplete: 'nickname', maxlength: 32, hint: 'What others see in the chat.' },
      { ...EMAIL, autocomplete: 'email', hint: 'To sign in with. Nobody else sees it.' },
      { name: 'password', label: 'Password', type: 'password', autocomplete: 'new-password', hint: '8 characters or more; a sentence is good.' },
    ],
    check: faultsOfSignUp,
    send: (values) => session.signUp(/** @type {any} */ (values)),
    extra: [swap],
  });
}
