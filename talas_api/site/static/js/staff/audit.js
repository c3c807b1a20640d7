/**
 * The audit log, for admins.
 *
 * Does:       list what happened, newest first, a page at a time; of everybody, or of one person.
 */
import { h } from '../kit/dom.js';
import { moment } from '../kit/words.js';
import { pages } from './pages.js';

/** @typedef {{id: string, at: string, kind: string, user_id: string | null, actor_id: string | null,
 *   address: string | null, detail: Record<string, string | number | boolean>}} Entry */

/**
 * @param {import('../account/session.js').Session} session
 * @param {string} person an id; empty: of everybody
 * @param {(id: string) => string} nameOf
 * @returns {HTMLElement}
 */
export function auditList(session, person, nameOf) {
  const path = person ? `/api/admin/audit?user=${person}` : '/api/admin/audit';
  return pages(session, path, 'before', (/** @type {Entry} */ one) => row(one, nameOf));
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
