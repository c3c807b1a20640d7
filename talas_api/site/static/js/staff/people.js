/**
 * The people of this server, for moderators and admins.
 *
 * Does:       list them, a page at a time; find some by how their name or address begins; shut
 *             somebody out and let them back in; give a role.
 * Never:      decides who may do what: what the API refuses is told where it was tried.
 */
import { confirmed } from '../kit/confirm.js';
import { h, icon } from '../kit/dom.js';
import { moment } from '../kit/words.js';
import { pages } from './pages.js';

const LONGEST_BEGINNING = 64;
const ROLES = ['user', 'moderator', 'admin'];

/** @typedef {{id: string, username: string, display_name: string, role: string, created_at: string,
 *   disabled_at: string | null}} Person */
/** @typedef {import('../account/session.js').Session} Session */

/**
 * @param {Session} session
 * @param {object} told
 * @param {(person: Person) => void} told.met somebody is in the list
 * @param {(person: Person) => void} told.events show what happened to somebody
 * @returns {HTMLElement}
 */
export function peopleList(session, { met, events }) {
  const admin = session.account.value?.role === 'admin';
  const list = h('div', {});
  const show = (/** @type {string} */ begins) => {
    const path = begins ? `/api/admin/users?${new URLSearchParams({ begins })}` : '/api/admin/users';
    list.replaceChildren(pages(session, path, 'after', (/** @type {Person} */ one) => {
      met(one);
      return row(one, session, admin, events);
    }));
  };
  show('');
  return h('div', { class: 'staff' }, search(admin ? 'Name or e-mail begins with' : 'Name begins with', show), list);
}

/**
 * @param {string} label
 * @param {(begins: string) => void} find
 */
function search(label, find) {
  const field = h('input', { class: 'field__input', type: 'search', id: 'people-begins', maxlength: LONGEST_BEGINNING, autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' });
  const look = (/** @type {Event} */ event) => {
    event.preventDefault();
    find(field.value.trim());
  };
  field.addEventListener('input', () => {
    if (field.value === '') find('');
  });
  return h('form', { class: 'staff__search', role: 'search', on: { submit: look } },
    h('div', { class: 'field' }, h('label', { class: 'field__label', for: field.id }, label), field),
    h('button', { class: 'button', type: 'submit' }, icon('search'), 'Find'));
}

/**
 * @param {Person} person
 * @param {Session} session
 * @param {boolean} admin
 * @param {(person: Person) => void} events
 * @returns {HTMLElement}
 */
function row(person, session, admin, events) {
  const element = h('li', { class: 'person' });
  const problem = h('p', { class: 'form__problem', role: 'alert' });
  const change = async (/** @type {string} */ method, /** @type {string} */ deed, /** @type {object | undefined} */ body = undefined) => {
    problem.textContent = '';
    try {
      const { data } = await session.request(method, `/api/admin/users/${person.id}/${deed}`, body);
      element.replaceWith(row(data, session, admin, events));
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message;
    }
  };
  const since = `${person.role} \u00b7 since ${moment(new Date(person.created_at))}`;
  const name = person.display_name === person.username ? '' : person.display_name;
  element.append(
    h('div', { class: 'devices__what' },
      h('span', { class: 'devices__name' }, [person.username, name].filter(Boolean).join(' \u00b7 ')),
      h('span', { class: 'devices__when' }, person.disabled_at ? `${since} \u00b7 shut out` : since)),
    h('div', { class: 'person__deeds' },
      admin ? roleChoice(person, (role) => change('PUT', 'role', { role })) : null,
      admin ? h('button', { class: 'button button--quiet', type: 'button', 'aria-label': `Events of ${person.username}`,
        on: { click: () => events(person) } }, 'Events') : null,
      person.disabled_at
        ? h('button', { class: 'button', type: 'button', 'aria-label': `Let ${person.username} back in`,
          on: { click: () => change('POST', 'enable') } }, icon('check'), 'Let back in')
        : confirmed({
          id: `shut-out-${person.id}`, word: 'Shut out', glyph: 'close',
          about: `${person.username} is signed out everywhere, and their stations go off the air.`,
          deed: `Shut ${person.username} out`, act: () => change('POST', 'disable'),
        })),
    problem,
  );
  return element;
}

/**
 * @param {Person} person
 * @param {(role: string) => void} give
 */
function roleChoice(person, give) {
  const select = h('select', { class: 'ways__quality', 'aria-label': `Role of ${person.username}` },
    ...ROLES.map((role) => h('option', { value: role }, role)));
  select.value = person.role;
  select.addEventListener('change', () => give(select.value));
  return select;
}
