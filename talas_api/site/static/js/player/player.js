/**
 * Plays one station through the page's audio element.
 *
 * Does:       connect, notice silence, reconnect with growing pauses, wait for a station to come
 *             back, try the next coding where one fails; give up a station that was deleted.
 * Never:      resumes from an old place: live audio is always joined at its newest second.
 * Guarantees: at most one connection at a time; none while nothing is wanted.
 */
import { Backoff } from '../kit/backoff.js';
import { Signal } from '../kit/signal.js';
import { playable } from './formats.js';
import { next, wanted } from './states.js';

const LOOK_MS = 500;
const STALL_MS = 1500;
const LOST_MS = 10_000;
const CONNECT_MS = 15_000;
const STEADY_MS = 20_000;
const NOT_SUPPORTED = 4;
const DECODE_FAILED = 3;
/** States in which the element keeps its connection. */
const CONNECTED = new Set(['playing', 'stalled', 'held']);

export class Player {
  #timer = 0;
  #position = 0;
  #movedAt = 0;
  #formatAt = 0;
  #since = 0;
  #backoff = new Backoff(0.6, 20);

  /**
   * @param {HTMLAudioElement} audio
   * @param {import('../stations/directory.js').Directory} directory
   * @param {string} stream address of the stream port
   */
  constructor(audio, directory, stream) {
    this.audio = audio;
    this.directory = directory;
    this.stream = stream;
    /** The rendition somebody chose; empty: the best. */
    this.preferred = new Signal('');
    this.formats = this.playable('');
    this.state = new Signal(/** @type {import('./states.js').State} */ ('idle'));
    /** The station that is, or was last, listened to. */
    this.slug = new Signal('');
    this.#listen();
    directory.stations.subscribe(() => this.#followDirectory());
    directory.airing.subscribe(() => this.#followDirectory());
    setInterval(() => this.#look(), LOOK_MS);
  }

  get format() {
    return this.formats[this.#formatAt];
  }

  /** @param {string} slug */
  play(slug) {
    if (slug !== this.slug.value) this.#formatAt = 0;
    this.slug.value = slug;
    this.#backoff.reset();
    this.#happen('play');
  }

  stop() {
    this.#happen('stop');
  }

  /** Stop if this station plays or tries to, play it otherwise. @param {string} slug */
  toggle(slug) {
    if (this.hears(slug)) this.stop();
    else this.play(slug);
  }

  /** Whether this station is wanted already. @param {string} slug */
  hears(slug) {
    return wanted(this.state.value) && this.slug.value === slug;
  }

  /** Choose a rendition, and hear it at once where something is heard. @param {string} rendition empty: the best */
  prefer(rendition) {
    if (rendition === this.preferred.value) return;
    this.preferred.value = rendition;
    this.#formatAt = 0;
    if (wanted(this.state.value)) this.play(this.slug.value);
  }

  /** What this browser can play of a station, the preferred first. @param {string} slug */
  playable(slug) {
    return playable((type) => this.audio.canPlayType(type), this.directory.find(slug)?.renditions, this.preferred.value);
  }

  #listen() {
    const { audio } = this;
    audio.addEventListener('playing', () => this.#sounds());
    audio.addEventListener('ended', () => this.#lost());
    audio.addEventListener('error', () => this.#failed());
    audio.addEventListener('pause', () => {
      // A headset's button or the system paused us. Live audio does not pause: it stops.
      if (!audio.ended && audio.hasAttribute('src') && this.state.value !== 'connecting') this.stop();
    });
  }

  /** @param {import('./states.js').Happening} happening */
  #happen(happening) {
    const state = next(this.state.value, happening);
    if (state === null) return;
    clearTimeout(this.#timer);
    this.#movedAt = performance.now();
    if (happening === 'back') this.#formatAt = 0;
    if (state === 'connecting') this.#connect();
    else if (!CONNECTED.has(state)) this.#disconnect();
    this.state.value = state;
    if (state === 'waiting') this.#timer = setTimeout(() => this.#happen('retry'), this.#backoff.next());
  }

  /** Sound comes: a source's, or the silence of a station whose source has gone. */
  #sounds() {
    this.#happen('sound');
    if (this.state.value !== 'playing' || this.#isOnAir() !== false) return;
    this.#happen('quiet');
    this.directory.status.now(); // its source may have come since that was asked
  }

  #connect() {
    this.formats = this.playable(this.slug.value);
    this.#formatAt %= this.formats.length;
    this.#position = 0;
    this.#since = performance.now();
    // The number keeps a browser from answering with what it kept of the last connection.
    const number = Date.now().toString(36);
    this.audio.src = `${this.stream}/${this.slug.value}.${this.format.rendition}?n=${number}`;
    this.audio.play().catch((error) => {
      if (error.name === 'NotAllowedError') this.#happen('refused');
    });
  }

  #disconnect() {
    if (!this.audio.hasAttribute('src')) return;
    this.audio.removeAttribute('src');
    this.audio.load();
  }

  #failed() {
    if (!this.audio.hasAttribute('src')) return;
    const code = this.audio.error?.code;
    // "Not supported" is also how a browser calls a 503, so only a station on the air blames the coding.
    const coding = code === DECODE_FAILED || (code === NOT_SUPPORTED && this.#isOnAir() === true);
    if (coding) this.#formatAt = (this.#formatAt + 1) % this.formats.length;
    this.#lost();
  }

  #lost() {
    this.#happen(this.#isOnAir() === false ? 'silent' : 'lost');
    this.directory.status.now();
    this.directory.check();
  }

  /** undefined: not known */
  #isOnAir() {
    if (this.directory.airing.value !== 'good') return undefined;
    return Boolean(this.directory.find(this.slug.value)?.air);
  }

  #followDirectory() {
    if (this.directory.lacks(this.slug.value)) this.#happen('deleted');
    const air = this.#isOnAir();
    if (this.state.value === 'playing' && air === false) this.#happen('quiet');
    if (this.state.value === 'held' && air === true) this.#happen('again');
    if (this.state.value === 'waiting' && air === false) this.#happen('silent');
    if (this.state.value === 'offair' && air === true) this.#happen('back');
  }

  /** Events alone do not tell: a dead network can leave an element "playing" without a sound. */
  #look() {
    const now = performance.now();
    const { state } = this;
    if (CONNECTED.has(state.value)) this.#lookAtPosition(now);
    const patience = state.value === 'connecting' ? CONNECT_MS : LOST_MS;
    const stuck = ['connecting', 'stalled', 'held'].includes(state.value);
    if (stuck && now - this.#movedAt > patience) this.#lost();
  }

  /** @param {number} now */
  #lookAtPosition(now) {
    const position = this.audio.currentTime;
    if (position === this.#position) {
      if (now - this.#movedAt > STALL_MS && this.state.value === 'playing') this.#happen('stall');
      return;
    }
    this.#position = position;
    if (this.state.value === 'stalled') this.#sounds();
    this.#movedAt = now;
    if (now - this.#since > STEADY_MS) this.#backoff.reset();
  }
}
