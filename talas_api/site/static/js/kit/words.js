/**
 * Small texts: titles, counts, times.
 *
 * Does:       split a song's line, write the document's title and a station's address, say times in
 *             the reader's language.
 * Never:      touches the page.
 */

/** What turns a stretch of text around (UAX 9, section 2): left open, it turns what is shown behind it too. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/gu;

/**
 * A text from outside, fit to stand in a line with others.
 *
 * @param {string} text
 */
export function unturned(text) {
  return text.replace(TURNING, '');
}

/**
 * "Artist - Title", as encoders send it. Without a separator it is all title.
 *
 * @param {string | null | undefined} line
 * @returns {{artist: string, title: string}}
 */
export function splitTitle(line) {
  const text = unturned(line ?? '').replace(/\s+/gu, ' ').trim();
  const found = /^(.+?) [-\u2013\u2014] (.+)$/u.exec(text);
  return found ? { artist: found[1], title: found[2] } : { artist: '', title: text };
}

/**
 * What the tab is called: the song first, since tabs are narrow.
 *
 * @param {{playing: boolean, song: string, station: string, unread: number}} facts
 */
export function documentTitle({ playing, song, station, unread }) {
  const count = unread > 0 ? `(${unread > 99 ? '99+' : unread}) ` : '';
  const parts = playing ? [song, station, 'Talas'] : [station, 'Talas'];
  return count + parts.filter(Boolean).join(' \u00b7 ');
}

/**
 * "1 listener", "12 listeners".
 *
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
export function counted(count, one, many) {
  return `${new Intl.NumberFormat().format(count)} ${count === 1 ? one : many}`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** @param {Date} at */
export function clockTime(at) {
  return CLOCK.format(at);
}

/** @param {Date} at */
export function moment(at) {
  return MOMENT.format(at);
}

/**
 * The day as a heading: "Today", "Yesterday", or its date.
 *
 * @param {Date} at
 * @param {Date} [now]
 */
export function dayName(at, now = new Date()) {
  const days = Math.round((midnight(now) - midnight(at)) / 86_400_000);
  if (days === 0) return 'Today';
  return days === 1 ? 'Yesterday' : DAY.format(at);
}

/**
 * The whole address of a station's page, to pass on.
 *
 * @param {{origin: string, pathname: string}} place of this page
 * @param {string} slug
 */
export function ownLink({ origin, pathname }, slug) {
  return `${origin}${pathname}#/${slug}`;
}

/**
 * A small number made of a text, always the same: picks a station's pattern, a person's colour.
 *
 * @param {string} text
 */
export function fingerprint(text) {
  let hash = 2_166_136_261;
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16_777_619);
  return hash >>> 0;
}

/** @param {Date} at */
function midnight(at) {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}
