/**
 * What is said about a station where its song stands.
 *
 * Does:       choose the words by what is known: the song, or why there is none.
 * Never:      says that nobody sends, or that there is no such station, while nobody answered.
 */

/** @typedef {import('../stations/directory.js').Condition} Condition */

/**
 * @param {import('../stations/status.js').Air | null} air
 * @param {{there: boolean, lacking: boolean, listing: Condition, airing: Condition}} known `there`: the
 *   list has the station; `lacking`: a whole list has not
 * @returns {{label: string, song: string}} `song` is empty where the song itself is to be shown
 */
export function summary(air, { there, lacking, listing, airing }) {
  if (!there) return { label: '', song: absence(lacking, listing) };
  if (airing === 'unreachable') return { label: 'No answer from the stream', song: 'Trying again\u2026' };
  if (airing === 'loading') return { label: '', song: 'Tuning in\u2026' };
  if (!air) return { label: 'Off the air', song: 'Nobody is sending right now' };
  return { label: 'Now playing', song: air.title.trim() ? '' : 'No title was sent' };
}

/**
 * @param {boolean} lacking
 * @param {Condition} listing
 */
function absence(lacking, listing) {
  if (lacking) return 'Choose a station';
  return listing === 'unreachable' ? 'Talas does not answer. Trying again\u2026' : 'Tuning in\u2026';
}
