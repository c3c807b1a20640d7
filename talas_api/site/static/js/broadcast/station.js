/**
 * One station of one's own: is it on the air, its key, how to connect, changes.
 *
 * Never:      shows a key again once its page was left: nobody has it but who wrote it down.
 */
import { copyButton } from '../kit/clipboard.js';
import { h, icon, say } from '../kit/dom.js';
import { form } from '../kit/form.js';
import { counted } from '../kit/words.js';
import { badge } from '../stations/badge.js';
import { target } from './encoders.js';
import { instructions } from './instructions.js';
import { faultsOfChange } from './rules.js';

/** @typedef {import('../stations/status.js').Station} Station */

/**
 * @typedef {object} Deeds
 * @property {(values: Record<string, string>) => Promise<void>} change
 * @property {() => Promise<void>} renew
 * @property {() => Promise<void>} remove
 */

/**
 * @param {Station} station
 * @param {string} stream address of the stream port
 * @param {string} key empty where it is not known any more
 * @param {Deeds} deeds
 * @returns {{element: HTMLElement, follow: (station: Station | undefined) => void}}
 */
export function stationPage(station, stream, key, deeds) {
  const air = h('p', { class: 'onair', role: 'status', id: 'on-air' });
  const title = h('h1', { tabindex: -1 }, station.name);
  const element = h(
    'article',
    { class: 'own' },
    h('header', { class: 'own__head' }, badge(station.slug),
      h('div', {}, title, h('p', { class: 'own__slug' }, h('a', { href: `#/${station.slug}` }, `Open its page: #/${station.slug}`))),
      air),
    keyPanel(station, key, deeds),
    h('section', { class: 'card' }, h('h2', {}, 'Connect'), h('h3', { class: 'unseen' }, 'Encoders'),
      h('p', { class: 'card__about' }, 'Talas takes what Icecast takes: MP3, AAC or Ogg Opus. Listeners get all three.'),
      instructions(target(stream, station, key))),
    changePanel(station, deeds),
  );
  const follow = (/** @type {Station | undefined} */ now) => {
    const on = Boolean(now?.air);
    air.dataset.air = on ? 'on' : 'off';
    const listeners = counted(now?.air?.listeners ?? 0, 'listener', 'listeners');
    say(air, on ? `On the air \u00b7 ${listeners}` : 'Off the air. Waiting for your encoder.');
    if (now && title.textContent !== now.name) title.textContent = now.name;
  };
  follow(station);
  return { element, follow };
}

/**
 * @param {Station} station
 * @param {string} key
 * @param {Deeds} deeds
 */
function keyPanel(station, key, deeds) {
  if (key) {
    return h(
      'section',
      { class: 'card card--key' },
      h('h2', {}, icon('key'), 'Stream key'),
      h('p', { class: 'card__about' }, 'Shown this once. Keep it like a password: who has it can broadcast as your station.'),
      h('div', { class: 'code code--key' }, h('code', { id: 'stream-key' }, key), copyButton('Copy the stream key', () => key)),
    );
  }
  const renew = confirmed('New key', 'The old key stops working. Make a new one', deeds.renew, 'key');
  return h(
    'section',
    { class: 'card' },
    h('h2', {}, icon('key'), 'Stream key'),
    h('p', { class: 'card__about' }, `The key of ${station.name} was shown when it was made. If it is lost, make a new one.`),
    renew,
  );
}

/**
 * @param {Station} station
 * @param {Deeds} deeds
 */
function changePanel(station, deeds) {
  return h(
    'section',
    { class: 'card' },
    h('h2', {}, 'Name and description'),
    form({
      id: 'station-change',
      submit: 'Save',
      fields: [
        { name: 'name', label: 'Name', maxlength: 80, value: station.name },
        { name: 'description', label: 'Description', long: true, maxlength: 1000, value: station.description },
      ],
      check: faultsOfChange,
      send: deeds.change,
      extra: [confirmed('Delete the station', 'Its chat goes too, for good. Delete', deeds.remove, 'trash')],
    }),
  );
}

/**
 * A button that asks once more before it does what cannot be undone.
 *
 * @param {string} word
 * @param {string} question
 * @param {() => Promise<void>} deed
 * @param {string} glyph
 */
function confirmed(word, question, deed, glyph) {
  const label = h('span', {}, word);
  const problem = h('span', { class: 'form__problem', role: 'alert' });
  const button = h('button', { class: 'button button--quiet', type: 'button' }, icon(glyph), label);
  let sure = false;
  const rest = () => {
    sure = false;
    label.textContent = word;
    button.classList.remove('button--danger');
  };
  button.addEventListener('click', async () => {
    if (!sure) {
      sure = true;
      label.textContent = question;
      button.classList.add('button--danger');
      return;
    }
    rest();
    await deed().catch((error) => say(problem, error.message));
  });
  button.addEventListener('blur', rest);
  return h('span', { class: 'confirm' }, button, problem);
}
