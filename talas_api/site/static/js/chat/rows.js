/**
 * A timeline as rows to show: days, groups of one person's messages, the line above what is new.
 *
 * Never:      touches the page.
 * Guarantees: a row's key is the same as long as it means the same.
 */

const GROUP_MS = 5 * 60_000;

/**
 * @typedef {object} Row
 * @property {string} key
 * @property {'day' | 'new' | 'message' | 'outgoing'} kind
 * @property {Date} at
 * @property {boolean} [head] whether the sender's name stands above it
 * @property {boolean} [own]
 * @property {import('./timeline.js').Message} [message]
 * @property {import('./timeline.js').Outgoing} [outgoing]
 */

/**
 * @param {import('./timeline.js').Timeline} timeline
 * @param {number} newFrom offset of the first message that was not seen; 0: all were
 * @returns {Row[]}
 */
export function rowsOf(timeline, newFrom) {
  const me = timeline.me()?.id ?? '';
  /** @type {Row[]} */
  const rows = [];
  let day = '';
  let lined = false;
  /** @type {{sender: string, at: number}} */
  let before = { sender: '', at: 0 };
  const add = (/** @type {Row} */ row, /** @type {string} */ sender) => {
    if (day !== dayOf(row.at)) {
      day = dayOf(row.at);
      rows.push({ key: `day-${day}`, kind: 'day', at: row.at });
      before = { sender: '', at: 0 };
    }
    if (row.message && !lined && newFrom > 0 && row.message.offset >= newFrom) {
      lined = true;
      rows.push({ key: 'new', kind: 'new', at: row.at });
      before = { sender: '', at: 0 };
    }
    const near = row.at.getTime() - before.at < GROUP_MS;
    rows.push({ ...row, head: sender !== before.sender || !near });
    before = { sender, at: row.at.getTime() };
  };
  for (const message of timeline.messages) {
    const sender = message.sender?.id ?? 'gone';
    const at = new Date(message.at);
    add({ key: `m${message.offset}`, kind: 'message', at, own: sender === me, message }, sender);
  }
  for (const outgoing of timeline.outgoing) {
    const at = new Date(outgoing.at);
    add({ key: `o${outgoing.nonce}`, kind: 'outgoing', at, own: true, outgoing }, me);
  }
  return rows;
}

/** @param {Date} at */
function dayOf(at) {
  return `${at.getFullYear()}-${at.getMonth() + 1}-${at.getDate()}`;
}
