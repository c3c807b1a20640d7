/**
 * The player at the foot of the page: there while something plays that is not in the middle.
 */
import { byId, h, icon, say, swapIcon } from '../kit/dom.js';
import { splitTitle } from '../kit/words.js';
import { badge } from '../stations/badge.js';
import { volumeControls } from './now.js';
import { told, wanted } from './states.js';

/**
 * @param {object} parts
 * @param {import('../stations/directory.js').Directory} parts.directory
 * @param {import('./player.js').Player} parts.player
 * @param {import('./volume.js').Volume} parts.volume
 * @param {import('../kit/signal.js').Signal<string>} parts.selected slug
 * @param {import('../kit/signal.js').Signal<import('../app/router.js').Route>} parts.route
 */
export function playerBar({ directory, player, volume, selected, route }) {
  const bar = byId('bar');
  const parts = build(player, volume);
  bar.append(...parts.children);
  const show = () => {
    const slug = player.slug.value;
    const seen = route.value.view === 'listen' && selected.value === slug;
    const shown = wanted(player.state.value);
    bar.hidden = !shown;
    // In the middle of a wide page the station's own controls are in sight; on a phone only on one tab.
    bar.dataset.seen = seen ? (route.value.panel === 'now' ? 'always' : 'wide') : 'no';
    document.body.dataset.bar = shown ? bar.dataset.seen : 'none';
    if (!shown) return;
    const station = directory.find(slug);
    const { artist, title } = splitTitle(station?.air?.title);
    if (parts.badge.dataset.slug !== slug) {
      parts.badge.replaceChildren(badge(slug));
      parts.badge.dataset.slug = slug;
    }
    const playing = player.state.value === 'playing';
    say(parts.song, playing ? [artist, title].filter(Boolean).join(' \u2013 ') || 'On the air' : told(player.state.value));
    say(parts.station, station?.name ?? slug);
    parts.link.setAttribute('href', `#/${slug}`);
    parts.stop.setAttribute('aria-label', `Stop ${station?.name ?? slug}`);
  };
  for (const signal of [directory.stations, player.state, player.slug, selected, route]) {
    /** @type {any} */ (signal).subscribe(show);
  }
}

/**
 * @param {import('./player.js').Player} player
 * @param {import('./volume.js').Volume} volume
 */
function build(player, volume) {
  const mark = h('span', { class: 'bar__badge' });
  const song = h('span', { class: 'bar__song' });
  const station = h('span', { class: 'bar__station' });
  const link = h('a', { class: 'bar__link', href: '#/' }, mark, h('span', { class: 'bar__words' }, song, station));
  const mute = h('button', { class: 'icon-button', type: 'button' }, icon('sound'));
  const slider = h('input', { class: 'slider', type: 'range', min: 0, max: 100, step: 1, 'aria-label': 'Volume' });
  const stop = h('button', { class: 'play play--small', type: 'button', on: { click: () => player.stop() } }, icon('stop'));
  swapIcon(stop, 'stop');
  volumeControls(slider, mute, volume);
  const loud = h('div', { class: 'volume bar__volume' }, mute, slider);
  return { children: [link, loud, stop], badge: mark, song, station, link, stop };
}
