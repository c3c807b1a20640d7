/**
 * The second factor, in the account's dialog: switch it on, see how it stands, switch it off.
 *
 * Never:      shows a secret or a recovery code twice: the server does not, either.
 */
import { copyButton } from '../kit/clipboard.js';
import { h, qrCode } from '../kit/dom.js';
import { form } from '../kit/form.js';

const PASSWORD = { name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' };
const CODE = { name: 'code', label: 'Code', autocomplete: 'one-time-code', maxlength: 64 };

/** @typedef {import('./session.js').Session} Session */
/** @typedef {(content: Node[]) => void} Show */

/**
 * @param {Session} session
 * @returns {Node[]} fills by itself
 */
export function factorPart(session) {
  const body = h('div', { class: 'part__more' }, about('One moment.'));
  const show = (/** @type {Node[]} */ content) => {
    body.replaceChildren(...content);
    body.querySelector('input')?.focus();
  };
  begin(session, (content) => body.replaceChildren(...content), show);
  return [body];
}

/**
 * @param {Session} session
 * @param {Show} first without taking the focus
 * @param {Show} show
 */
async function begin(session, first, show) {
  try {
    const { data } = await session.request('GET', '/api/auth/totp');
    first(data.enabled ? isOn(session, data.recovery_codes_left, show) : isOff(session, show));
  } catch (error) {
    first([h('p', { class: 'form__problem', role: 'alert' }, /** @type {Error} */ (error).message)]);
  }
}

/**
 * @param {Session} session
 * @param {Show} show
 */
function isOff(session, show) {
  return [
    about('Off. With it on, signing in takes a code of an authenticator app as well.'),
    form({
      id: 'factor-offer',
      submit: 'Set it up',
      fields: [PASSWORD],
      check: ({ password }) => (password ? {} : { password: 'is required' }),
      send: async (values) => {
        const { data } = await session.request('POST', '/api/auth/totp', values);
        show(offered(session, data, show));
      },
    }),
  ];
}

/**
 * @param {Session} session
 * @param {{secret: string, uri: string, qr: string[]}} offer
 * @param {Show} show
 */
function offered(session, { secret, uri, qr }, show) {
  return [
    about('Scan this with your authenticator, or enter the key below it; then the code that it shows.'),
    qrCode('The key as a QR code', qr),
    h('div', { class: 'code' }, h('code', { id: 'factor-secret' }, secret), copyButton('the key', () => secret)),
    h('p', {}, h('a', { href: uri }, 'Open it in an authenticator on this device')),
    form({
      id: 'factor-confirm',
      submit: 'Switch it on',
      fields: [CODE],
      check: faultOfCode,
      send: async (values) => {
        const { data } = await session.request('POST', '/api/auth/totp/confirm', values);
        show(codes(data.recovery_codes));
      },
    }),
  ];
}

/** @param {string[]} list */
function codes(list) {
  return [
    about('It is on. Keep these codes where your phone is not: each signs you in once without it. They are shown this once.'),
    h('div', { class: 'code' }, h('pre', { id: 'recovery-codes' }, list.join('\n')), copyButton('the recovery codes', () => list.join('\n'))),
  ];
}

/**
 * @param {Session} session
 * @param {number} left
 * @param {Show} show
 */
function isOn(session, left, show) {
  return [
    about(`On. ${left} of your recovery codes are left.`),
    form({
      id: 'factor-end',
      submit: 'Switch it off',
      fields: [PASSWORD, { ...CODE, hint: 'Of your authenticator, or a recovery code.' }],
      check: (values) => ({ ...(values.password ? {} : { password: 'is required' }), ...faultOfCode(values) }),
      send: async (values) => {
        await session.request('DELETE', '/api/auth/totp', values);
        show(isOff(session, show));
      },
    }),
  ];
}

/** @param {Record<string, string>} values @returns {Record<string, string>} */
function faultOfCode({ code = '' }) {
  return code.length < 6 ? { code: 'must be six digits, or a recovery code' } : {};
}

/** @param {string} words */
function about(words) {
  return h('p', { class: 'part__about', role: 'status' }, words);
}
