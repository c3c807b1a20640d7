/**
 * The account's dialog: where one is signed in, the profile, the password, the second factor, tokens.
 *
 * Does:       fold each part; fill it when it is opened first.
 */
import { h } from '../kit/dom.js';
import { deviceList } from './devices.js';
import { factorPart } from './factor.js';
import { passwordPart, profilePart } from './profile.js';
import { isStaff } from './rules.js';
import { tokenPart } from './tokens.js';

/** @typedef {import('./session.js').Session} Session */

/** @type {[string, string, (session: Session) => Node[]][]} */
const PARTS = [
  ['devices', 'Where you are signed in', deviceList],
  ['profile', 'Name and e-mail', profilePart],
  ['password', 'Password', passwordPart],
  ['factor', 'Second factor', factorPart],
  ['tokens', 'Tokens for programs', tokenPart],
];

/**
 * What the dialog shows.
 *
 * @param {Session} session
 * @returns {Node[]}
 */
export function accountSettings(session) {
  const parts = PARTS.map(([id, title, fill], index) => part(id, title, () => fill(session), index === 0));
  const staff = isStaff(session.account.value) ? h('a', { class: 'button', id: 'to-staff', href: '#people' }, 'People of this server') : null;
  return [h('h2', { id: 'account-title' }, 'Your account'), h('div', { class: 'parts' }, ...parts), ...(staff ? [staff] : [])];
}

/**
 * @param {string} id
 * @param {string} title
 * @param {() => Node[]} fill
 * @param {boolean} open
 */
function part(id, title, fill, open) {
  const body = h('div', { class: 'part__body' });
  const element = h('details', { class: 'part', id: `part-${id}`, name: 'account', open },
    h('summary', {}, h('h3', {}, title)), body);
  const look = () => {
    if (element.open && body.childElementCount === 0) body.append(...fill());
  };
  element.addEventListener('toggle', look);
  look();
  return element;
}
