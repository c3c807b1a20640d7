/**
 * The audit log, for admins.
 *
 * Does:       list what happened, newest first, a page at a time; of everybody or of one person, of
 *             all kinds or of one.
 */
import { h } from '../kit/dom.js';
import { moment } from '../kit/words.js';
import { pages } from './pages.js';

/** What can have happened, by the API's names. */
const KINDS = [
  'access.refused', 'account.disabled', 'account.enabled', 'account.registered', 'account.registered_again',
  'account.role_changed', 'email.change_asked', 'email.changed', 'email.verified', 'keys.rotated', 'limit.reached',
  'login.failed', 'login.succeeded', 'password.changed', 'password.forgotten', 'password.rehashed', 'password.reset',
  'session.all_ended', 'session.ended', 'session.refresh_reused', 'station.changed', 'station.key_renewed',
  'station.removed', 'stream.access_refused', 'stream.listener_cut', 'stream.move_refused', 'stream.sign_in_refused',
  'stream.source_cut', 'stream.title_set', 'token.made', 'token.revoked', 'totp.disabled', 'totp.enabled',
  'totp.guessed', 'totp.recovery_used',
];

/** @typedef {{id: string, at: string, kind: string, user_id: string | null, actor_id: string | null,
 *   address: string | null, detail: Record<string, string | number | boolean>}} Entry */

/**
 * @param {import('../account/session.js').Session} session
 * @param {string} person an id; empty: of everybody
 * @param {(id: string) => string} nameOf
 * @returns {HTMLElement}
 */
export function auditList(session, person, nameOf) {
  const list = h('div', {});
  const kind = h('select', { class: 'ways__quality', id: 'audit-kind' },
    h('option', { value: '' }, 'Everything'), ...KINDS.map((one) => h('option', { value: one }, one)));
  const show = () => {
    const query = new URLSearchParams({ ...(person ? { user: person } : {}), ...(kind.value ? { kind: kind.value } : {}) });
    const path = query.size ? `/api/admin/audit?${query}` : '/api/admin/audit';
    list.replaceChildren(pages(session, path, 'before', (/** @type {Entry} */ one) => row(one, nameOf)));
  };
  kind.addEventListener('change', show);
  show();
  return h('div', { class: 'staff' },
    h('div', { class: 'staff__search' }, h('label', { class: 'field__label', for: kind.id }, 'What happened'), kind), list);
}

/**
 * @param {Entry} entry
 * @param {(id: string) => string} nameOf
 */
function row(entry, nameOf) {
  return h('li', { class: 'person' },
    h('div', { class: 'devices__what' },
      h('span', { class: 'devices__name' }, entry.kind),
      h('span', { class: 'devices__when' }, factsOf(entry, nameOf).join(' \u00b7 '))));
}

/**
 * @param {Entry} entry
 * @param {(id: string) => string} nameOf
 * @returns {string[]}
 */
export function factsOf({ at, user_id: user, actor_id: actor, address, detail }, nameOf) {
  const about = Object.entries(detail).map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`);
  const who = user ? nameOf(user) : '';
  const by = actor && actor !== user ? `by ${nameOf(actor)}` : '';
  return [moment(new Date(at)), who, by, address ?? '', ...about].filter(Boolean);
}
