/**
 * What is kept between visits.
 *
 * Does:       read and write small texts in localStorage.
 * Guarantees: where storage is forbidden or full, the page works on and keeps its texts in memory.
 */

export class Storage {
  /** @type {Map<string, string>} */
  #memory = new Map();

  /** @param {() => globalThis.Storage} place reaching for it may throw already */
  constructor(place = () => localStorage) {
    this.place = place;
  }

  /** @param {string} key */
  get(key) {
    try {
      return this.place().getItem(key) ?? '';
    } catch {
      return this.#memory.get(key) ?? '';
    }
  }

  /**
   * @param {string} key
   * @param {string} text empty: forget it
   */
  set(key, text) {
    try {
      if (text) this.place().setItem(key, text);
      else this.place().removeItem(key);
    } catch {
      this.#memory.set(key, text);
    }
  }
}
