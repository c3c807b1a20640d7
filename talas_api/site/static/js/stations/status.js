/**
 * What the stream port says is on the air.
 *
 * Does:       read `/status-json.xsl`, where one source is an object and several are an array; join
 *             it with the stations that the API lists.
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
