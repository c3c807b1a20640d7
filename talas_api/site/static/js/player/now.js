/**
 * The middle of the page: one station, what it plays, and the controls.
 *
 * Does:       show the chosen station; play and stop it; list what played before.
 * Guarantees: what is said about the sound is true of this station: while another one plays, this one
 *             is shown as silent.
 */
import { attribute, byId, h, icon, say, swapIcon } from '../kit/dom.js';
import { foldable } from '../kit/fold.js';
import { clockTime, counted, splitTitle } from '../kit/words.js';
import { told, wanted } from './states.js';
import { summary } from './summary.js';

const FEW = 8;
const ABOUT = { letters: 180, lines: 3 };

/**
 * @param {object} parts
 * @param {import('../stations/directory.js').Directory} parts.directory
 * @param {import('../kit/signal.js').Signal<string>} parts.selected slug
 * @param {import('./player.js').Player} parts.player
 * @param {import('./volume.js').Volume} parts.volume
 * @param {import('../stations/played.js').Played} parts.played
 */
export function nowPanel({ directory, selected, player, volume, played }) {
  const show = () => {
    const station = directory.find(selected.value);
    const mine = player.slug.value === selected.value;
    const state = mine ? player.state.value : 'idle';
    showStation(station, selected.value, directory);
    showControls(station, state, player);
    if (station?.air) played.note(station.slug, station.air.title);
  };
  const more = byId('heard-more');
  const list = () => showPlayed(played.of(selected.value), directory.find(selected.value)?.air?.title ?? '');
  more.addEventListener('click', () => {
    attribute(more, 'aria-expanded', String(more.getAttribute('aria-expanded') !== 'true'));
    list();
  });
  byId('play').addEventListener('click', () => player.toggle(selected.value));
  const { stations, listing, airing, settled } = directory;
  for (const signal of [stations, listing, airing, settled, selected, player.state, player.slug]) {
    /** @type {any} */ (signal).subscribe(show);
  }
  for (const signal of [stations, selected, played.changes]) /** @type {any} */ (signal).subscribe(list);
  volumeControls(byId('volume'), byId('mute'), volume);
}

/**
 * A slider and a mute button for the volume.
 *
 * @param {HTMLInputElement} slider
 * @param {HTMLButtonElement} mute
 * @param {import('./volume.js').Volume} volume
 */
export function volumeControls(slider, mute, volume) {
  slider.addEventListener('input', () => volume.set(Number(slider.value)));
  mute.addEventListener('click', () => {
    volume.muted.value = !volume.muted.value;
  });
  volume.percent.subscribe((percent) => {
    slider.value = String(percent);
    slider.style.setProperty('--filled', `${percent}%`);
    slider.setAttribute('aria-valuetext', `${percent} percent`);
  });
  volume.muted.subscribe((muted) => {
    swapIcon(mute, muted ? 'mute' : 'sound');
    mute.setAttribute('aria-label', muted ? 'Sound on' : 'Mute');
    mute.setAttribute('aria-pressed', String(muted));
  });
}

/**
 * @param {import('../stations/status.js').Station | undefined} station
 * @param {string} slug
 * @param {import('../stations/directory.js').Directory} directory
 */
function showStation(station, slug, directory) {
  const { artist, title } = splitTitle(station?.air?.title);
  const told = summary(station?.air ?? null, {
    there: Boolean(station), lacking: directory.settled.value && directory.lacks(slug), listing: directory.listing.value, airing: directory.airing.value,
  });
  say(byId('now-station'), station?.name ?? (slug && directory.lacks(slug) ? 'No such station' : 'Talas'));
  showAbout(station?.description ?? '');
  say(byId('now-label'), told.label);
  say(byId('now-song'), told.song || title);
  say(byId('now-artist'), station?.air ? artist : '');
  byId('now-song').classList.toggle('face__song--quiet', told.song !== '');
  byId('now-facts').replaceChildren(...facts(station));
}

/** A long description is shown as its beginning, until it is asked for. @param {string} text */
function showAbout(text) {
  const about = byId('now-about');
  if (about.dataset.text === text) return;
  about.dataset.text = text;
  about.replaceChildren(foldable(text, { class: 'face__about' }, ABOUT));
}

/** @param {import('../stations/status.js').Station | undefined} station */
function facts(station) {
  if (!station?.air) return [];
  const count = counted(station.air.listeners, 'listener', 'listeners');
  return [
    h('span', { class: 'tag tag--air' }, 'On the air'),
    h('span', { class: 'tag' }, icon('people'), count),
  ];
}

/**
 * @param {import('../stations/status.js').Station | undefined} station
 * @param {import('./states.js').State} state
 * @param {import('./player.js').Player} player
 */
function showControls(station, state, player) {
  const play = byId('play');
  const on = wanted(state);
  play.disabled = !station;
  play.dataset.state = state;
  swapIcon(play, on ? 'stop' : 'play');
  attribute(play, 'aria-label', `${on ? 'Stop' : 'Play'} ${station?.name ?? ''}`.trim());
  const coding = state === 'playing' ? ` \u00b7 ${player.format.name}` : '';
  say(byId('now-state'), told(state) + coding);
}

/**
 * What played before: a few, and the rest when asked for. What is playing stands above already.
 *
 * @param {import('../stations/played.js').Song[]} songs newest first
 * @param {string} playing
 */
function showPlayed(songs, playing) {
  const before = songs[0]?.text === playing ? songs.slice(1) : songs;
  byId('heard').hidden = before.length === 0;
  byId('heard-more').hidden = before.length <= FEW;
  const open = byId('heard-more').getAttribute('aria-expanded') === 'true';
  say(byId('heard-more'), open ? 'Show fewer' : `Show all ${before.length}`);
  byId('heard-list').replaceChildren(...before.slice(0, open ? before.length : FEW).map(({ at, text }) => {
    const { artist, title } = splitTitle(text);
    return h('li', {}, h('time', { datetime: at.toISOString() }, clockTime(at)),
      h('span', { class: 'heard__title' }, title), h('span', { class: 'heard__artist' }, artist));
  }));
}
