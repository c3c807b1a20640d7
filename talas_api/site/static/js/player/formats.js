/**
 * Which of the offered codings this browser plays best.
 *
 * Does:       order them: Opus sounds best for its size and starts soonest, AAC next, MP3 plays
 *             everywhere. What takes eight times the bytes, or sounds thin, is for stations that
 *             have nothing else.
 */

/** @typedef {{rendition: string, name: string, type: string}} Format */

/** @type {Format[]} */
const KNOWN = [
  { rendition: 'opus', name: 'Opus', type: 'audio/ogg; codecs=opus' },
  { rendition: 'aac', name: 'AAC', type: 'audio/aac' },
  { rendition: 'mp3', name: 'MP3', type: 'audio/mpeg' },
  { rendition: 'flac', name: 'FLAC', type: 'audio/flac' },
  { rendition: '32.opus', name: 'Opus, small', type: 'audio/ogg; codecs=opus' },
];
const USUAL = ['opus', 'aac', 'mp3'];

/**
 * Every format a station is offered in that the browser may play, best first. Where it admits none,
 * all are worth a try.
 *
 * @param {(type: string) => string} canPlayType as of an audio element
 * @param {string[]} [offered] the station's renditions
 * @returns {Format[]}
 */
export function playable(canPlayType, offered = USUAL) {
  const there = KNOWN.filter(({ rendition }) => offered.includes(rendition));
  const known = there.filter(({ type, rendition }) => canPlayType(type) !== '' || rendition === 'mp3');
  return known.length > 0 ? known : there;
}
