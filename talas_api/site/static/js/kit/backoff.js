/**
 * How long to wait before trying again.
 *
 * Does:       double the wait up to a limit, and spread it over half of itself, so that a thousand
 *             pages cut at once do not come back at once.
 * Never:      waits itself; knows a clock.
 */
export class Backoff {
  #tries = 0;

  /**
   * @param {number} first seconds before the first retry
   * @param {number} longest seconds; no wait is longer
   * @param {() => number} [random] a number in [0, 1)
   */
  constructor(first, longest, random = Math.random) {
    this.first = first;
    this.longest = longest;
    this.random = random;
  }

  /** Milliseconds to wait now; each call counts as a failure. */
  next() {
    const whole = Math.min(this.longest, this.first * 2 ** this.#tries);
    this.#tries += 1;
    return Math.round(1000 * whole * (0.5 + 0.5 * this.random()));
  }

  /** It worked: begin anew next time. */
  reset() {
    this.#tries = 0;
  }
}
