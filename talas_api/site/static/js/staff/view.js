/**
 * What moderators and admins see: the people, and the audit log.
 *
 * Never:      shows anything to somebody whose role is `user`; the API would refuse it anyway.
 */
import { isStaff } from '../account/rules.js';
import { h } from '../kit/dom.js';
import { auditList } from './audit.js';
import { peopleList } from './people.js';

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root
 * @param {import('../kit/signal.js').Signal<import('../app/router.js').Route>} parts.route
 * @param {import('../account/session.js').Session} parts.session
 */
export function staffView({ root, route, session }) {
  /** @type {Map<string, string>} */
  const names = new Map();
  const nameOf = (/** @type {string} */ id) => names.get(id) ?? id;
  let shown = '';

  const show = () => {
    const { view, slug } = route.value;
    const account = session.account.value;
    const what = view === 'staff' && account ? `${account.id}/${account.role}/${slug}` : '';
    if (what === shown) return;
    shown = what;
    if (account) names.set(account.id, account.username);
    if (!account || view !== 'staff') root.replaceChildren();
    else if (!isStaff(account)) root.replaceChildren(h('h1', {}, 'This is for moderators and admins'));
    else if (slug === 'audit' && account.role === 'admin') audit('');
    else people();
  };

  function people() {
    const list = peopleList(session, {
      met: ({ id, username }) => names.set(id, username),
      events: ({ id }) => audit(id),
    });
    root.replaceChildren(h('div', { class: 'mine' }, head('People', 'people'), list));
  }

  /** @param {string} person an id; empty: of everybody */
  function audit(person) {
    const title = person ? `Events of ${nameOf(person)}` : 'Audit log';
    root.replaceChildren(h('div', { class: 'mine' }, head(title, 'audit'), auditList(session, person, nameOf)));
  }

  /**
   * @param {string} title
   * @param {string} here
   */
  function head(title, here) {
    const again = () => {
      // One's events are shown at no address of their own: the link may lead to where one is.
      shown = '';
      setTimeout(show);
    };
    const link = (/** @type {string} */ place, /** @type {string} */ word) =>
      h('a', { class: 'button button--quiet', href: `#${place}`, 'aria-current': place === here ? 'page' : null, on: { click: again } }, word);
    const links = session.account.value?.role === 'admin' ? [link('people', 'People'), link('audit', 'Audit log')] : [];
    return h('header', { class: 'mine__head' }, h('h1', { tabindex: -1 }, title), h('nav', { 'aria-label': 'Administration' }, ...links));
  }

  route.subscribe(show);
  session.account.subscribe(show);
}
