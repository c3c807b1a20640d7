/**
 * A station of one's own while it is on the air: how loud it is, and what it says is playing.
 *
 * Does:       ask the stream port for the loudness once a second, while somebody looks; set a title.
 * Never:      asks while the station is off the air, the page hidden or the panel gone.
 */
import { h, say } from '../kit/dom.js';
import { form } from '../kit/form.js';

const ASK_MS = 1000;
const FLOOR = -60;
/** Seconds of silence that are told: a pause between two songs is shorter. */
const SILENCE = 5;
const LONGEST_TITLE = 500;

/** By EBU R 128, of `/slug/now`; null where it is not known.
 * @typedef {{momentary: number | null, integrated: number | null, peak: number | null,
 *   silent_seconds: number}} Loudness */

/**
 * @param {string} slug
 * @param {string} stream address of the stream port
 * @param {(song: string) => Promise<void>} retitle
 * @returns {{element: HTMLElement, show: (on: boolean) => void}}
 */
export function onAirPanel(slug, stream, retitle) {
  const bar = h('span', { class: 'meter__bar' });
  const meter = h('div', { class: 'meter', role: 'meter', id: 'own-level', 'aria-label': 'Loudness', 'aria-valuemin': FLOOR, 'aria-valuemax': 0 }, bar);
  const facts = h('p', { class: 'meter__facts', id: 'own-loudness' });
  const silence = h('p', { class: 'form__problem', role: 'status' });
  const title = form({
    id: 'station-title',
    submit: 'Set the title',
    fields: [{ name: 'song', label: 'Title', maxlength: LONGEST_TITLE, hint: 'Artist - Title, as listeners see it. Your encoder\u2019s next title replaces it.' }],
    check: ({ song }) => (song ? {} : { song: 'is required' }),
    send: ({ song = '' }) => retitle(song),
    done: 'Set.',
  });
  const element = h('section', { class: 'card', hidden: true }, h('h2', {}, 'On the air'), meter, facts, silence, title);
  const tell = (/** @type {Loudness | null} */ loudness) => {
    const level = Math.max(FLOOR, loudness?.momentary ?? FLOOR);
    bar.style.setProperty('width', `${100 * (1 - level / FLOOR)}%`);
    meter.setAttribute('aria-valuenow', String(Math.round(level)));
    meter.setAttribute('aria-valuetext', loudness?.momentary == null ? 'silent' : `${level.toFixed(1)} LUFS`);
    say(facts, loudness ? factsOf(loudness) : '');
    const silent = Math.floor(loudness?.silent_seconds ?? 0);
    say(silence, silent >= SILENCE ? `Silent for ${silent} seconds. Is your encoder\u2019s input plugged in?` : '');
  };
  const look = looking(`${stream}/${slug}/now`, () => element.isConnected && !element.hidden, tell);
  const show = (/** @type {boolean} */ on) => {
    element.hidden = !on;
    if (on) look();
  };
  return { element, show };
}

/** @param {Loudness} loudness */
export function factsOf({ momentary, integrated, peak }) {
  const number = (/** @type {number | null} */ value, /** @type {string} */ unit) =>
    value === null ? '\u2013' : `${value.toFixed(1).replace('-', '\u2212')} ${unit}`;
  return [`Now ${number(momentary, 'LUFS')}`, `since it came ${number(integrated, 'LUFS')}`, `peak ${number(peak, 'dBFS')}`].join(' \u00b7 ');
}

/**
 * Begin to look, unless that goes on already; it ends once `wanted` says no.
 *
 * @param {string} address
 * @param {() => boolean} wanted
 * @param {(loudness: Loudness | null) => void} tell
 */
function looking(address, wanted, tell) {
  let going = false;
  return async () => {
    if (going) return;
    going = true;
    // The panel may be shown only after this turn.
    await Promise.resolve();
    while (wanted()) {
      if (!document.hidden) tell(await loudnessAt(address));
      await new Promise((done) => setTimeout(done, ASK_MS));
    }
    going = false;
  };
}

/** @param {string} address @returns {Promise<Loudness | null>} */
async function loudnessAt(address) {
  try {
    const response = await fetch(address, { cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(8000) });
    return (await response.json()).data.loudness;
  } catch {
    return null;
  }
}

/**
 * Have a station say what it plays.
 *
 * @param {string} stream address of the stream port
 * @param {string} token an access token
 * @param {string} slug
 * @param {string} song
 * @throws {Error} with what the stream port said
 */
export async function setTitle(stream, token, slug, song) {
  const query = new URLSearchParams({ mode: 'updinfo', mount: `/${slug}`, song });
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`${stream}/admin/metadata?${query}`, { headers, cache: 'no-store', credentials: 'omit' }).catch(() => null);
  if (response?.ok) return;
  const answer = await response?.json().catch(() => null);
  throw new Error(answer?.error?.message ?? 'The stream does not answer.');
}
