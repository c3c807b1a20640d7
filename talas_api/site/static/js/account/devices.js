/**
 * Where somebody is signed in: their sessions, in the account's dialog.
 *
 * Does:       list them, newest first; end one, or all but this one.
 * Never:      ends the session of this page: that is what signing out is for.
 */
import { h } from '../kit/dom.js';
import { moment } from '../kit/words.js';

/**
 * @typedef {{id: string, refreshed_at: string, user_agent: string, address: string | null,
 *   current: boolean}} Device
 */

const BROWSERS = [['Edg', 'Edge'], ['OPR', 'Opera'], ['Firefox', 'Firefox'], ['Chrom', 'Chrome'], ['Safari', 'Safari']];
const SYSTEMS = [['Android', 'Android'], ['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Windows', 'Windows'], ['Mac OS', 'Mac'], ['Linux', 'Linux']];

/**
 * What a device calls itself, in few words.
 *
 * @param {string} agent the User-Agent of its sign-in
 */
export function deviceName(agent) {
  const [browser, system] = [BROWSERS, SYSTEMS].map((names) => names.find(([mark]) => agent.includes(mark))?.[1]);
  if (browser) return system ? `${browser} on ${system}` : browser;
  return agent.split(/[ /]/u, 1)[0] || 'An unknown device';
}

/**
 * What the dialog shows. The list fills by itself.
 *
 * @param {import('./session.js').Session} session
 * @returns {Node[]}
 */
export function deviceList(session) {
  const list = h('ul', { class: 'devices' });
  const problem = h('p', { class: 'form__problem', role: 'alert' });
  const others = h('button', { class: 'button', type: 'button', id: 'end-others', hidden: true }, 'End all others');

  /** @param {string} [path] what is ended first */
  async function look(path) {
    problem.textContent = '';
    try {
      if (path) await session.request('DELETE', path);
      const { data } = await session.request('GET', '/api/auth/sessions');
      list.replaceChildren(...data.map((/** @type {Device} */ one) => row(one, look)));
      others.hidden = data.length < 2;
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message;
    }
  }

  others.addEventListener('click', () => look('/api/auth/sessions?except=current'));
  look();
  return [
    h('p', { class: 'part__about' }, 'End what you do not recognise.'),
    list,
    problem,
    others,
  ];
}

/**
 * @param {Device} device
 * @param {(path: string) => Promise<void>} look
 */
function row(device, look) {
  const name = deviceName(device.user_agent);
  const used = moment(new Date(device.refreshed_at));
  const end = h('button', { class: 'button', type: 'button', 'aria-label': `End: ${name}, ${used}`,
    on: { click: () => look(`/api/auth/sessions/${device.id}`) } }, 'End');
  return h(
    'li',
    { class: 'devices__one' },
    h('div', { class: 'devices__what' },
      h('span', { class: 'devices__name' }, name),
      h('span', { class: 'devices__when' }, [device.address, used].filter(Boolean).join(' \u00b7 '))),
    device.current ? h('span', { class: 'tag' }, 'this one') : end,
  );
}
