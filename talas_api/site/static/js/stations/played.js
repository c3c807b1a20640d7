/**
 * What has played on each station, newest first.
 *
 * Does:       ask the stream port for the titles that went by; add those that come.
 * Guarantees: no title stands twice in a row; without an answer there is what was heard here.
 */
import { Signal } from '../kit/signal.js';

/** As many as the stream port keeps. */
const MOST = 50;

/** @typedef {{text: string, at: Date}} Song */

export class Played {
  /** @type {Map<string, Song[]>} */
  #songs = new Map();

  /** @param {string} stream address of the stream port */
  constructor(stream) {
    this.stream = stream;
    /** Counts changes. */
    this.changes = new Signal(0);
  }

  /** Newest first, the one that is playing too. @param {string} slug */
  of(slug) {
    return this.#songs.get(slug) ?? [];
  }

  /**
   * A title is playing.
   *
   * @param {string} slug
   * @param {string} text
   * @param {Date} [at] when it began
   */
  note(slug, text, at = new Date()) {
    const songs = this.of(slug);
    if (text && songs[0]?.text !== text) this.#keep(slug, [{ text, at }, ...songs]);
  }

  /** Ask for all of them. @param {string} slug */
  async load(slug) {
    try {
      const response = await fetch(`${this.stream}/${slug}/history`, { credentials: 'omit', signal: AbortSignal.timeout(8000) });
      const { data } = await response.json();
      this.#keep(slug, data.map((/** @type {any} */ one) => ({ text: String(one.text), at: new Date(one.started_at) })));
    } catch {
      // What was heard here stays.
    }
  }

  /**
   * @param {string} slug
   * @param {Song[]} songs
   */
  #keep(slug, songs) {
    this.#songs.set(slug, songs.slice(0, MOST));
    this.changes.value += 1;
  }
}
