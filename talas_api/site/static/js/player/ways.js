/**
 * More ways to listen to the chosen station: another quality, a player of one's own, somebody else.
 *
 * Does:       offer what this browser can play of the station, and keep the choice for the next visit;
 *             copy and share the station's link; hand out its playlist.
 */
import { copyButton } from '../kit/clipboard.js';
import { byId, h, icon } from '../kit/dom.js';
import { ownLink } from '../kit/words.js';

const KEY = 'talas.quality';

/**
 * @param {object} parts
 * @param {import('../stations/directory.js').Directory} parts.directory
 * @param {import('../kit/signal.js').Signal<string>} parts.selected slug
 * @param {import('./player.js').Player} parts.player
 * @param {import('../kit/storage.js').Storage} parts.storage
 * @param {string} parts.stream address of the stream port
 */
export function waysToListen({ directory, selected, player, storage, stream }) {
  const quality = h('select', { class: 'ways__quality', id: 'quality', 'aria-label': 'Quality' });
  const link = () => ownLink(location, selected.value);
  const name = () => directory.find(selected.value)?.name ?? 'Talas';
  const playlist = h('a', { class: 'copy', id: 'playlist', title: 'For a player of your own (.m3u)' }, icon('list'), 'Playlist');
  const share = 'share' in navigator ? shareButton(name, link) : null;
  byId('ways').append(quality, copyButton('to the station', link, 'Copy link'), ...(share ? [share] : []), playlist);

  player.prefer(storage.get(KEY));
  quality.addEventListener('change', () => {
    storage.set(KEY, quality.value);
    player.prefer(quality.value);
  });
  let shown = '';
  const show = () => {
    const station = directory.find(selected.value);
    byId('ways').hidden = !station;
    playlist.setAttribute('href', `${stream}/${selected.value}.m3u`);
    const what = JSON.stringify([selected.value, station?.renditions]);
    if (what === shown) return;
    shown = what;
    quality.replaceChildren(...options(player.playable(selected.value)));
    quality.value = player.preferred.value;
    // What was chosen is not offered here.
    if (quality.selectedIndex < 0) quality.value = '';
  };
  selected.subscribe(show);
  directory.stations.subscribe(show);
}

/** @param {import('./formats.js').Format[]} formats */
function options(formats) {
  const sorted = [...formats].sort((a, b) => a.name.localeCompare(b.name));
  return [
    h('option', { value: '' }, 'Best quality'),
    ...sorted.map(({ rendition, name, about }) => h('option', { value: rendition }, `${name}: ${about}`)),
  ];
}

/**
 * @param {() => string} name
 * @param {() => string} link
 */
function shareButton(name, link) {
  // Whoever changes their mind is no error.
  const press = () => navigator.share({ title: name(), url: link() }).catch(() => null);
  return h('button', { class: 'copy', type: 'button', on: { click: press } }, icon('share'), 'Share');
}
