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
import { confirmed } from '../kit/confirm.js';
import { ownLink } from '../kit/words.js';
import { target } from './encoders.js';
import { instructions } from './instructions.js';
import { onAirPanel } from './onair.js';
import { faultsOfChange } from './rules.js';

/** @typedef {import('../stations/status.js').Station} Station */
/** @typedef {import('../stations/directory.js').Condition} Condition */

/**
 * @typedef {object} Deeds
 * @property {(values: {name: string, description: string, prefer_source: boolean}) => Promise<void>} change
 * @property {(song: string) => Promise<void>} retitle
 * @property {() => Promise<void>} renew
 * @property {() => Promise<void>} remove
 */

const SILENT = {
  loading: 'Looking\u2026',
  good: 'Off the air. Waiting for your encoder.',
  unreachable: 'The stream does not answer. Trying again\u2026',
};

/**
 * @param {Station} station
 * @param {object} sending
 * @param {string} sending.stream address of the stream port, for the page
 * @param {string} sending.source its address for encoders
 * @param {string} sending.key empty where it is not known any more
 * @param {Deeds} deeds
 * @param {Condition} airing
 * @returns {{element: HTMLElement, follow: (station: Station | undefined, airing: Condition) => void}}
 */
export function stationPage(station, { stream, source, key }, deeds, airing) {
  const air = h('p', { class: 'onair', role: 'status', id: 'on-air' });
  const onAir = onAirPanel(station.slug, stream, deeds.retitle);
  const title = h('h1', { tabindex: -1 }, station.name);
  const link = ownLink(location, station.slug);
  const element = h(
    'article',
    { class: 'own' },
    h('header', { class: 'own__head' }, badge(station.slug),
      h('div', {}, title, h('div', { class: 'own__link' }, h('a', { href: `#/${station.slug}` }, link), copyButton('the address of its page', () => link))),
      air),
    onAir.element,
    keyPanel(station, key, deeds),
    h('section', { class: 'card' }, h('h2', {}, 'Connect'), h('h3', { class: 'unseen' }, 'Encoders'),
      h('p', { class: 'card__about' }, 'Talas takes what Icecast takes, FLAC and WAV too, and makes of it the formats that your listeners choose.'),
      instructions(target(source, station, key))),
    changePanel(station, deeds),
    removePanel(station, deeds),
  );
  const follow = (/** @type {Station | undefined} */ now, /** @type {Condition} */ airing) => {
    const on = Boolean(now?.air) && airing === 'good';
    air.dataset.air = on ? 'on' : 'off';
    onAir.show(on);
    const listeners = counted(now?.air?.listeners ?? 0, 'listener', 'listeners');
    say(air, on ? `On the air \u00b7 ${listeners}` : SILENT[airing]);
    if (now && title.textContent !== now.name) title.textContent = now.name;
  };
  follow(station, airing);
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
      h('h2', { tabindex: -1 }, icon('key'), 'Stream key'),
      h('p', { class: 'card__about' }, 'Shown this once. Keep it like a password: who has it can broadcast as your station.'),
      h('div', { class: 'code code--key' }, h('code', { id: 'stream-key' }, key), copyButton('the stream key', () => key)),
    );
  }
  const renew = confirmed({
    id: 'station-renew',
    word: 'New key',
    glyph: 'key',
    about: 'The old key stops working at once. If the station is on the air, that ends now, until your encoder has the new key.',
    deed: 'Make a new key',
    act: deeds.renew,
  });
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
  const prefer = h('input', { type: 'checkbox', id: 'station-change-prefer', checked: station.prefer_source });
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
      between: [h('label', { class: 'choice__one' }, prefer, 'Where the encoder sends a name or a description, show those')],
      check: faultsOfChange,
      send: ({ name = '', description = '' }) => deeds.change({ name, description, prefer_source: prefer.checked }),
      done: 'Saved.',
    }),
  );
}

/**
 * @param {Station} station
 * @param {Deeds} deeds
 */
function removePanel({ slug, name }, deeds) {
  return h(
    'section',
    { class: 'card' },
    h('h2', {}, 'Delete'),
    confirmed({
      id: 'station-delete',
      word: 'Delete the station',
      glyph: 'trash',
      about: `${name} goes, with its key and its whole chat. Nobody can bring them back.`,
      deed: 'Delete for good',
      act: deeds.remove,
      typed: { label: `Type ${slug} to delete it`, word: slug },
    }),
  );
}
