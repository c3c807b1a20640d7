/**
 * What the stream port says is on the air.
 *
 * Does:       read `/status-json.xsl`, where one source is an object and several are an array; mend it by
 *             what was told since; join it with the stations that the API lists.
 * Never:      fetches; trusts a field to be there.
 */

/**
 * @typedef {object} Air
 * @property {string} title
 * @property {number} listeners
 * @property {number} bitrate kbit/s; 0: not told
 * @property {string} genre
 */

/**
 * @typedef {object} Listed a station as the API lists it
 * @property {string} id
 * @property {string} slug
 * @property {string} name
 * @property {string} description
 * @property {string} room
 * @property {string | null} owner
 * @property {string} created_at
 * @property {string[]} renditions
 * @property {boolean} prefer_source what its encoder says of it goes before what its owner wrote
 */

/** @typedef {Listed & {air: Air | null}} Station */

/**
 * @param {any} status the document
 * @returns {Map<string, Air>} by slug
 */
export function onAir(status) {
  const source = status?.icestats?.source;
  const sources = Array.isArray(source) ? source : source ? [source] : [];
  const found = new Map();
  for (const each of sources) {
    const slug = slugOf(each?.listenurl);
    if (slug) found.set(slug, air(each));
  }
  return found;
}

/**
 * Every station with what it plays; those on the air first, the busiest at the top.
 *
 * @param {Listed[]} listed
 * @param {Map<string, Air>} airs
 * @returns {Station[]}
 */
export function joined(listed, airs) {
  return listed
    .map((station) => ({ ...station, air: airs.get(station.slug) ?? null }))
    .sort((a, b) => rank(b) - rank(a) || a.name.localeCompare(b.name) || (a.slug < b.slug ? -1 : 1));
}

/**
 * What is on the air, after an event of one station.
 *
 * @param {Map<string, Air>} airs
 * @param {string} slug
 * @param {import('./events.js').Now} now
 * @returns {Map<string, Air>}
 */
export function withNews(airs, slug, now) {
  const found = new Map(airs);
  const { bitrate = 0, genre = '' } = airs.get(slug) ?? {};
  if (now.on_air) found.set(slug, { title: now.text, listeners: now.listeners, bitrate, genre });
  else found.delete(slug);
  return found;
}

/**
 * What is on the air by an answer, but for the stations that tell every change: of them is known more.
 *
 * @param {Map<string, Air>} answered
 * @param {Map<string, Air>} known
 * @param {Set<string>} followed slugs
 * @returns {Map<string, Air>}
 */
export function newest(answered, known, followed) {
  for (const slug of followed) {
    const air = known.get(slug);
    const { bitrate, genre } = answered.get(slug) ?? air ?? {};
    if (air) answered.set(slug, { ...air, bitrate: bitrate ?? 0, genre: genre ?? '' });
    else answered.delete(slug);
  }
  return answered;
}

/** @param {any} source */
function air(source) {
  return {
    title: String(source.title ?? ''),
    listeners: Number(source.listeners) || 0,
    bitrate: Number(source.bitrate) || 0,
    genre: String(source.genre ?? ''),
  };
}

/** @param {Station} station */
function rank(station) {
  return station.air ? 1 + station.air.listeners : 0;
}

/** @param {unknown} address e.g. http://host:3002/demo.mp3 */
function slugOf(address) {
  try {
    const name = new URL(String(address)).pathname.split('/').pop() ?? '';
    return name.replace(/\.[a-z0-9]+$/u, '');
  } catch {
    return '';
  }
}
