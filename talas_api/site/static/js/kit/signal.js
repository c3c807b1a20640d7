/**
 * A value that tells when it changes.
 *
 * Does:       keep one value; call every subscriber at once and after each change.
 * Never:      calls a subscriber for a value that is the same as before.
 * Guarantees: subscribers are called in the order they came; one that throws stops no other.
 *
 * @template T
 */
export class Signal {
  /** @type {T} */
  #value;
  /** @type {Set<(value: T) => void>} */
  #subscribers = new Set();

  /** @param {T} value */
  constructor(value) {
    this.#value = value;
  }

  get value() {
    return this.#value;
  }

  set value(value) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const subscriber of [...this.#subscribers]) this.#tell(subscriber);
  }

  /**
   * @param {(value: T) => void} subscriber
   * @returns {() => void} ends the subscription
   */
  subscribe(subscriber) {
    this.#subscribers.add(subscriber);
    this.#tell(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /** @param {(value: T) => void} subscriber */
  #tell(subscriber) {
    try {
      subscriber(this.#value);
    } catch (error) {
      reportError(error);
    }
  }
}
