/**
 * The list of stations.
 *
 * Does:       show each with what it plays and who listens; mark the chosen and the playing one; play
 *             the one that is pressed, if it is on the air; find by name.
 * Guarantees: a row stays the same element while its station exists, so focus is never lost to an
 *             update.
 */
import { arrange, attribute, byId, h, say } from '../kit/dom.js';
import { counted, splitTitle } from '../kit/words.js';
import { badge } from './badge.js';

const WORTH_SEARCHING = 7;
/** What a station that is not known to play is said to do, by how the question went. */
const SILENT = { loading: '', good: 'Off the air', unreachable: '' };

/**
 * @param {object} parts
 * @param {import('./directory.js').Directory} parts.directory
 * @param {import('../kit/signal.js').Signal<string>} parts.selected slug
 * @param {import('../player/player.js').Player} parts.player
 */
export function stationList({ directory, selected, player }) {
  const list = byId('stations-list');
  const filter = byId('stations-filter');
  /** @type {Map<string, ReturnType<typeof row>>} */
  const rows = new Map();

  /** A plain press; with a key held it opens a tab of its own, as any link does. @param {MouseEvent} event @param {string} slug */
  function press(event, slug) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (player.hears(slug) || !directory.find(slug)?.air) return;
    player.play(slug);
  }

  function show() {
    const stations = directory.stations.value;
    byId('stations-search').hidden = stations.length < WORTH_SEARCHING;
    for (const slug of rows.keys()) if (!directory.find(slug)) rows.delete(slug);
    const shown = stations.filter((station) => matches(station, filter.value));
    arrange(list, shown.map((station) => {
      if (!rows.has(station.slug)) rows.set(station.slug, row(station.slug, press));
      const one = /** @type {ReturnType<typeof row>} */ (rows.get(station.slug));
      fill(one, station, selected.value, player, directory.airing.value);
      return one.element;
    }));
    say(byId('stations-note'), note(directory, shown.length));
  }

  filter.addEventListener('input', show);
  for (const signal of [directory.stations, directory.listing, directory.airing, selected, player.state, player.slug]) {
    /** @type {any} */ (signal).subscribe(show);
  }
}

/**
 * @param {string} slug
 * @param {(event: MouseEvent, slug: string) => void} press
 */
function row(slug, press) {
  const name = h('span', { class: 'station__name' });
  const song = h('span', { class: 'station__song' });
  const count = h('span', { class: 'station__count' });
  const link = h(
    'a',
    { class: 'station', href: `#/${slug}`, on: { click: (/** @type {MouseEvent} */ event) => press(event, slug) } },
    badge(slug),
    h('span', { class: 'station__words' }, name, song),
    count,
  );
  return { element: h('li', {}, link), link, name, song, count };
}

/**
 * @param {ReturnType<typeof row>} one
 * @param {import('./status.js').Station} station
 * @param {string} selected
 * @param {import('../player/player.js').Player} player
 * @param {import('./directory.js').Condition} airing
 */
function fill(one, station, selected, player, airing) {
  const { air } = station;
  const { title, artist } = splitTitle(air?.title);
  const playing = player.slug.value === station.slug && player.state.value === 'playing';
  say(one.name, station.name);
  say(one.song, air ? [title, artist].filter(Boolean).join(' \u00b7 ') || 'On the air' : SILENT[airing]);
  say(one.count, air && air.listeners > 0 ? String(air.listeners) : '');
  attribute(one.count, 'title', air ? counted(air.listeners, 'listener', 'listeners') : null);
  attribute(one.count, 'aria-label', air ? counted(air.listeners, 'listener', 'listeners') : null);
  attribute(one.link, 'aria-current', station.slug === selected ? 'true' : null);
  one.link.dataset.air = air ? 'on' : 'off';
  one.link.dataset.playing = String(playing);
}

/**
 * @param {import('./status.js').Station} station
 * @param {string} wanted
 */
function matches(station, wanted) {
  const text = `${station.name} ${station.slug} ${station.air?.genre ?? ''}`.toLowerCase();
  return wanted.toLowerCase().split(/\s+/u).every((word) => text.includes(word));
}

/**
 * @param {import('./directory.js').Directory} directory
 * @param {number} shown
 */
function note(directory, shown) {
  const conditions = [directory.listing.value, directory.airing.value];
  if (conditions.includes('unreachable')) return 'No answer; trying again';
  if (conditions.includes('loading')) return 'Looking\u2026';
  const on = directory.stations.value.filter((station) => station.air).length;
  if (shown === 0 && directory.stations.value.length > 0) return 'None found';
  return on === 0 ? 'None on the air' : `${on} on the air`;
}
