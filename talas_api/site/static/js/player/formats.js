/**
 * Which of the offered codings this browser plays best.
 *
 * Does:       order them: Opus sounds best for its size and starts soonest, AAC next, MP3 plays
 *             everywhere.
 */

/** @typedef {{extension: string, name: string, type: string}} Format */

/** @type {Format[]} */
const OFFERED = [
  { extension: 'opus', name: 'Opus', type: 'audio/ogg; codecs=opus' },
  { extension: 'aac', name: 'AAC', type: 'audio/aac' },
  { extension: 'mp3', name: 'MP3', type: 'audio/mpeg' },
];

/**
 * Every format the browser may play, best first; MP3 is always the last resort.
 *
 * @param {(type: string) => string} canPlayType as of an audio element
 * @returns {Format[]}
 */
export function playable(canPlayType) {
  return OFFERED.filter(({ extension, type }) => canPlayType(type) !== '' || extension === 'mp3');
}
