/**
 * The account's corner: sign in, sign up, who you are and what can be set, sign out.
 *
 * Does:       show a button or a name; ask in a dialog.
 * Never:      keeps what was typed once the dialog closes.
 */
import { h, icon } from '../kit/dom.js';
import { form } from '../kit/form.js';
import { fingerprint } from '../kit/words.js';
import { codeContent, forgottenContent, proofContent, proofIn } from './proofs.js';
import { faultsOfSignIn, faultsOfSignUp } from './rules.js';
import { accountSettings } from './settings.js';

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
  dialog.addEventListener('close', () => {
    delete dialog.dataset.proof;
    dialog.replaceChildren();
  });
  // A press beside the dialog closes it: only the backdrop is the dialog element itself.
  dialog.addEventListener('pointerdown', (/** @type {Event} */ event) => {
    if (event.target === dialog) dialog.close();
  });

  /** @param {'in' | 'up'} [which] */
  function ask(which = 'in') {
    show(dialogContent(dialog, session, which, { ask, show: (content) => show([closeButton(dialog), ...content]) }));
  }

  /** @param {Node[]} content */
  function show(content) {
    delete dialog.dataset.proof;
    dialog.replaceChildren(...content);
    if (!dialog.open) dialog.showModal();
    dialog.querySelector('input')?.focus();
  }

  /** A mailed link was followed: take its token out of the address, and ask for what it needs. */
  function follow() {
    const proof = proofIn(location.hash);
    if (!proof) return;
    history.replaceState(null, '', location.pathname);
    show([closeButton(dialog), ...proofContent(proof, session, ask)]);
    dialog.dataset.proof = proof.purpose;
  }

  function settings() {
    dialog.replaceChildren(closeButton(dialog), ...accountSettings(session));
    dialog.showModal();
  }

  session.account.subscribe((account) => {
    corner.hidden = account === undefined;
    if (account) corner.replaceChildren(...signedIn(account, session, settings));
    else corner.replaceChildren(signInButton(ask));
    if (dialog.open && !dialog.dataset.proof && (account || dialog.querySelector('.parts'))) dialog.close();
  });
  addEventListener('hashchange', () => {
    if (proofIn(location.hash)) follow();
    else dialog.close();  // Where a link in it leads, it is in the way.
  });
  follow();
  return { ask };
}

/** @param {HTMLDialogElement} dialog */
function closeButton(dialog) {
  return h('button', { class: 'icon-button dialog__close', type: 'button', 'aria-label': 'Close',
    on: { click: () => dialog.close() } }, icon('close'));
}

/** @param {(which?: 'in' | 'up') => void} ask */
function signInButton(ask) {
  const press = () => ask('in');
  return h('button', { class: 'button', type: 'button', id: 'sign-in', on: { click: press } }, 'Sign in');
}

/**
 * @param {import('./session.js').Account} account
 * @param {import('./session.js').Session} session
 * @param {() => void} settings
 */
function signedIn(account, session, settings) {
  const leave = async (/** @type {any} */ event) => {
    event.target.disabled = true;
    await session.signOut();
  };
  return [
    h(
      'button',
      { class: 'button button--quiet account__name', type: 'button', id: 'devices', title: account.email,
        'aria-haspopup': 'dialog', on: { click: settings } },
      h('span', { class: 'avatar', 'aria-hidden': 'true', data: { tone: fingerprint(account.id) % 6, letter: account.username.slice(0, 1).toUpperCase() } }),
      h('span', { class: 'account__word' }, account.username),
      h('span', { class: 'unseen' }, ': your account'),
    ),
    h('button', { class: 'button button--quiet', type: 'button', id: 'sign-out', on: { click: leave } }, 'Sign out'),
  ];
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {import('./session.js').Session} session
 * @param {'in' | 'up'} which
 * @param {{ask: (which: 'in' | 'up') => void, show: (content: Node[]) => void}} steps
 */
function dialogContent(dialog, session, which, { ask, show }) {
  const other = which === 'in' ? 'up' : 'in';
  const swap = h('button', { class: 'button button--quiet', type: 'button', id: `go-${other}`,
    on: { click: () => ask(other) } }, which === 'in' ? 'Create an account' : 'I have an account');
  return [
    closeButton(dialog),
    h('h2', { id: 'account-title' }, WORDS[which].title),
    h('p', { class: 'dialog__about' }, WORDS[which].about),
    which === 'in' ? signInForm(session, swap, show) : signUpForm(session, swap),
  ];
}

/**
 * @param {import('./session.js').Session} session
 * @param {HTMLElement} swap
 * @param {(content: Node[]) => void} show
 */
function signInForm(session, swap, show) {
  const forgotten = h('button', { class: 'button button--quiet', type: 'button', id: 'forgotten',
    on: { click: () => show(forgottenContent(session, show)) } }, 'Forgotten?');
  return form({
    id: 'sign-in-form',
    submit: 'Sign in',
    fields: [
      { ...EMAIL, autocomplete: 'username' },
      { name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' },
    ],
    check: faultsOfSignIn,
    send: async (values) => {
      const credentials = /** @type {any} */ (values);
      await session.signIn(credentials).catch((error) => {
        if (error.code !== 'second_factor_required') throw error;
        show(codeContent(session, credentials));
      });
    },
    extra: [swap, forgotten],
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
