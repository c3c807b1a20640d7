/**
 * Rows of the chat as elements.
 *
 * Never:      shows a person's text as anything but text.
 */
import { h } from '../kit/dom.js';
import { foldable } from '../kit/fold.js';
import { clockTime, dayName, fingerprint, moment } from '../kit/words.js';

const TONES = 6;

/**
 * @param {import('./rows.js').Row} row
 * @param {{retry: (nonce: string) => void, discard: (nonce: string) => void}} deeds
 * @returns {HTMLElement}
 */
export function rowElement(row, deeds) {
  if (row.kind === 'day') return h('li', { class: 'chat__day' }, h('span', {}, dayName(row.at)));
  if (row.kind === 'new') return h('li', { class: 'chat__new' }, h('span', {}, 'New'));
  if (row.kind === 'message') return messageElement(row);
  return outgoingElement(row, deeds);
}

/** What must change for the element to be made again. @param {import('./rows.js').Row} row */
export function lookOf(row) {
  if (row.kind === 'day') return dayName(row.at);
  return `${row.head}|${row.own}|${row.outgoing?.state}|${row.outgoing?.why}`;
}

/** @param {import('./rows.js').Row} row */
function messageElement(row) {
  const message = /** @type {import('./timeline.js').Message} */ (row.message);
  const name = message.sender?.username ?? 'somebody who left';
  return h(
    'li',
    { class: 'message', data: { own: String(row.own), head: String(row.head) } },
    row.head ? heading(name, message.sender?.id ?? '', row) : null,
    foldable(message.text, { class: 'message__text', dir: 'auto', title: moment(row.at) }),
  );
}

/**
 * @param {string} name
 * @param {string} id
 * @param {import('./rows.js').Row} row
 */
function heading(name, id, row) {
  return h(
    'p',
    { class: 'message__head' },
    h('span', { class: 'message__name', data: { tone: fingerprint(id) % TONES } }, name),
    row.own ? h('span', { class: 'message__you' }, 'you') : null,
    h('time', { class: 'message__time', datetime: row.at.toISOString() }, clockTime(row.at)),
  );
}

/**
 * @param {import('./rows.js').Row} row
 * @param {{retry: (nonce: string) => void, discard: (nonce: string) => void}} deeds
 */
function outgoingElement(row, { retry, discard }) {
  const one = /** @type {import('./timeline.js').Outgoing} */ (row.outgoing);
  const failed = one.state === 'failed';
  const press = (/** @type {() => void} */ deed, /** @type {string} */ word) =>
    h('button', { class: 'link', type: 'button', on: { click: deed } }, word);
  return h(
    'li',
    { class: 'message', data: { own: 'true', head: 'false', state: one.state } },
    foldable(one.text, { class: 'message__text', dir: 'auto' }),
    h(
      'p',
      { class: 'message__state' },
      failed ? `Not sent. ${one.why} ` : 'Sending\u2026',
      failed ? press(() => retry(one.nonce), 'Try again') : null,
      failed ? press(() => discard(one.nonce), 'Discard') : null,
    ),
  );
}
