/**
 * The middle of the page: one station, what it plays, and the controls.
 *
 * Does:       show the chosen station; play and stop it; list what was heard.
 * Guarantees: what is said about the sound is true of this station: while another one plays, this one
 *             is shown as silent.
 */
import { attribute, byId, h, icon, say, swapIcon } from '../kit/dom.js';
import { clockTime, counted, splitTitle } from '../kit/words.js';
import { told, wanted } from './states.js';

const HEARD = 8;

/**
 * @param {object} parts
 * @param {import('../stations/directory.js').Directory} parts.directory
 * @param {import('../kit/signal.js').Signal<string>} parts.selected slug
 * @param {import('./player.js').Player} parts.player
 * @param {import('./volume.js').Volume} parts.volume
 */
export function nowPanel({ directory, selected, player, volume }) {
  const heard = new Heard();
  const show = () => {
    const station = directory.find(selected.value);
    const mine = player.slug.value === selected.value;
    const state = mine ? player.state.value : 'idle';
    showStation(station, selected.value, directory.condition.value);
    showControls(station, state, player);
    if (station?.air) heard.note(station.slug, station.air.title);
    heard.show(selected.value);
  };
  byId('play').addEventListener('click', () => player.toggle(selected.value));
  for (const signal of [directory.stations, directory.condition, selected, player.state, player.slug]) {
    /** @type {any} */ (signal).subscribe(show);
  }
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
 * @param {string} condition
 */
function showStation(station, slug, condition) {
  const { artist, title } = splitTitle(station?.air?.title);
  const missing = condition === 'loading' ? '' : 'No such station';
  say(byId('now-station'), station?.name ?? (slug ? missing : 'Talas'));
  say(byId('now-about'), station?.description ?? '');
  say(byId('now-label'), station?.air ? 'Now playing' : 'Off the air');
  say(byId('now-song'), station?.air ? title || 'Untitled' : silence(station, condition));
  say(byId('now-artist'), station?.air ? artist : '');
  byId('now-song').classList.toggle('face__song--quiet', !station?.air);
  byId('now-facts').replaceChildren(...facts(station));
}

/**
 * @param {import('../stations/status.js').Station | undefined} station
 * @param {string} condition
 */
function silence(station, condition) {
  if (condition === 'loading') return 'Tuning in\u2026';
  return station ? 'Nobody is sending right now' : 'Choose a station';
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

/** The titles that went by since the page was opened, by station. */
class Heard {
  /** @type {Map<string, {at: Date, line: string}[]>} */
  #lines = new Map();

  /**
   * @param {string} slug
   * @param {string} line
   */
  note(slug, line) {
    const lines = this.#lines.get(slug) ?? [];
    if (!line || lines[0]?.line === line) return;
    this.#lines.set(slug, [{ at: new Date(), line }, ...lines].slice(0, HEARD + 1));
  }

  /** The newest is playing now; it stands above already. @param {string} slug */
  show(slug) {
    const lines = (this.#lines.get(slug) ?? []).slice(1);
    byId('heard').hidden = lines.length === 0;
    byId('heard-list').replaceChildren(...lines.map(({ at, line }) => {
      const { artist, title } = splitTitle(line);
      return h('li', {}, h('time', { datetime: at.toISOString() }, clockTime(at)),
        h('span', { class: 'heard__title' }, title), h('span', { class: 'heard__artist' }, artist));
    }));
  }
}
