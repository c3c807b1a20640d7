/**
 * Asking again and again, politely.
 *
 * Does:       run a question, wait, run it again; less often in a hidden tab, at once when the tab
 *             is shown or the network returns; with back-off while it fails.
 * Never:      has two questions in flight; throws: a failure is only a reason to wait longer.
 */
import { Backoff } from './backoff.js';

export class Poller {
  /** @type {number | undefined} */
  #timer;
  #running = false;
  #again = false;

  /**
   * @param {() => Promise<void>} question
   * @param {{seconds: number, hiddenSeconds: number, longest?: number}} pace
   */
  constructor(question, { seconds, hiddenSeconds, longest = 60 }) {
    this.question = question;
    this.seconds = seconds;
    this.hiddenSeconds = hiddenSeconds;
    this.backoff = new Backoff(seconds, longest);
  }

  /** Begin, for as long as the page lives. */
  start() {
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.now();
    });
    addEventListener('online', () => this.now());
    this.now();
  }

  /** Ask without waiting for the next turn. */
  now() {
    if (this.#running) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#run();
  }

  async #run() {
    this.#running = true;
    let wait = 1000 * (document.hidden ? this.hiddenSeconds : this.seconds);
    try {
      await this.question();
      this.backoff.reset();
    } catch {
      wait = Math.max(wait, this.backoff.next());
    }
    this.#running = false;
    if (this.#again) wait = 0;
    this.#again = false;
    this.#timer = setTimeout(() => this.#run(), wait);
  }
}
