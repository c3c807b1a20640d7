/**
 * Which of the offered codings this browser plays best.
 *
 * Does:       order them: Opus sounds best for its size and starts soonest, AAC next, MP3 plays
 *             everywhere. What takes eight times the bytes, or sounds thin, is for stations that
 *             have nothing else.
 */

/** @typedef {{rendition: string, name: string, type: string, about: string}} Format `about`: why one might choose it */

/** @type {Format[]} */
const KNOWN = [
  { rendition: 'opus', name: 'Opus', type: 'audio/ogg; codecs=opus', about: 'best for its size' },
  { rendition: 'aac', name: 'AAC', type: 'audio/aac', about: 'good for its size' },
  { rendition: 'mp3', name: 'MP3', type: 'audio/mpeg', about: 'plays everywhere' },
  { rendition: 'flac', name: 'FLAC', type: 'audio/flac', about: 'nothing lost, most data' },
  { rendition: '32.opus', name: 'Opus, small', type: 'audio/ogg; codecs=opus', about: 'least data' },
];
const USUAL = ['opus', 'aac', 'mp3'];

/**
 * Every format a station is offered in that the browser may play, best first. Where it admits none,
 * all are worth a try.
 *
 * @param {(type: string) => string} canPlayType as of an audio element
 * @param {string[]} [offered] the station's renditions
 * @param {string} [preferred] the rendition somebody chose; it comes first where it is offered
 * @returns {Format[]}
 */
export function playable(canPlayType, offered = USUAL, preferred = '') {
  const there = KNOWN.filter(({ rendition }) => offered.includes(rendition));
  const known = there.filter(({ type, rendition }) => canPlayType(type) !== '' || rendition === 'mp3');
  const all = known.length > 0 ? known : there;
  return [...all].sort((a, b) => Number(b.rendition === preferred) - Number(a.rendition === preferred));
}
