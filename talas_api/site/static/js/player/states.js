/**
 * The life of what is being listened to, as a table.
 *
 * Does:       say which state follows from which, and how each is told to the listener.
 * Never:      touches a clock, an element or the network.
 *
 *     idle         nothing is wanted            connecting   asked for, no sound yet
 *     playing      sound                        stalled      the sound stopped coming
 *     held         the source has gone; the connection carries silence until it is back, or ends
 *     waiting      the connection was lost; another try comes after a pause
 *     offair       the station has no source; goes on by itself when it is back
 *     blocked      the browser wants a press of a button first
 *     gone         the station was deleted
 */

/** @typedef {'idle' | 'connecting' | 'playing' | 'stalled' | 'held' | 'waiting' | 'offair' | 'blocked' | 'gone'} State */
/** @typedef {'play' | 'stop' | 'sound' | 'stall' | 'lost' | 'silent' | 'quiet' | 'again' | 'retry' | 'back' | 'refused' | 'deleted'} Happening */

/** @type {Partial<Record<Happening, State>>} */
const ALWAYS = { play: 'connecting', stop: 'idle', deleted: 'gone' };

/** @type {Record<State, Partial<Record<Happening, State>>>} */
const TABLE = {
  idle: { play: 'connecting' },
  connecting: { ...ALWAYS, sound: 'playing', lost: 'waiting', silent: 'offair', refused: 'blocked' },
  playing: { ...ALWAYS, stall: 'stalled', quiet: 'held', lost: 'waiting', silent: 'offair' },
  stalled: { ...ALWAYS, sound: 'playing', lost: 'waiting', silent: 'offair' },
  held: { ...ALWAYS, again: 'playing', lost: 'waiting', silent: 'offair' },
  waiting: { ...ALWAYS, retry: 'connecting', silent: 'offair' },
  offair: { ...ALWAYS, back: 'connecting' },
  blocked: { ...ALWAYS },
  gone: { play: 'connecting', stop: 'idle' },
};

const WORDS = {
  idle: '',
  connecting: 'Connecting\u2026',
  playing: 'Live',
  stalled: 'Waiting for sound\u2026',
  held: 'Silence. Waiting for the station\u2026',
  waiting: 'Connection lost. Trying again\u2026',
  offair: 'Off the air. Starts by itself when it is back.',
  blocked: 'Your browser wants you to press play.',
  gone: 'This station is no longer there.',
};

/**
 * What follows; null where the happening means nothing in this state, e.g. a late event of a
 * connection that was given up.
 *
 * @param {State} state
 * @param {Happening} happening
 * @returns {State | null}
 */
export function next(state, happening) {
  return TABLE[state][happening] ?? null;
}

/** Whether the listener wants sound, so that a press of the button means stop. @param {State} state */
export function wanted(state) {
  return state !== 'idle' && state !== 'blocked' && state !== 'gone';
}

/** @param {State} state */
export function told(state) {
  return WORDS[state];
}
