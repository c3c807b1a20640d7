/**
 * What happens on a station, told as it happens.
 *
 * Does:       keep a stream of events open for each station that is followed; try again where the
 *             browser has given up.
 * Never:      holds a connection for a station that is followed no more: a browser has few for a server,
 *             for all its tabs together, and sound needs one.
 */
import { Backoff } from '../kit/backoff.js';

/** What `/slug/now` and every event hold, as far as the page needs it.
 * @typedef {{on_air: boolean, text: string, started_at: string | null, listeners: number}} Now */

const KINDS = ['now', 'on_air', 'title', 'off_air', 'listeners'];
const CLOSED = 2;

export class Events {
  /** @type {Map<string, {source: EventSource | null, timer: number, backoff: Backoff}>} */
  #followed = new Map();

  /**
   * @param {string} stream address of the stream port
   * @param {object} told
   * @param {(slug: string, kind: string, now: Now) => void} told.news `kind` is `now` for the first
   * @param {(slug: string) => void} told.lost nothing is heard of it any more, for now
   * @param {(address: string) => EventSource} [open]
   */
  constructor(stream, told, open = (address) => new EventSource(address)) {
    this.stream = stream;
    this.told = told;
    this.open = open;
  }

  /** Follow these and no others. @param {string[]} slugs */
  follow(slugs) {
    for (const slug of this.#followed.keys()) if (!slugs.includes(slug)) this.#leave(slug);
    for (const slug of slugs) {
      if (this.#followed.has(slug)) continue;
      this.#followed.set(slug, { source: null, timer: 0, backoff: new Backoff(3, 60) });
      this.#connect(slug);
    }
  }

  /** @param {string} slug */
  #connect(slug) {
    const one = this.#followed.get(slug);
    if (!one) return;
    const source = this.open(`${this.stream}/${slug}/events`);
    one.source = source;
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        one.backoff.reset();
        this.told.news(slug, kind, JSON.parse(event.data));
      });
    }
    source.addEventListener('error', () => {
      if (one.source !== source) return;
      this.told.lost(slug);
      // A refusal ends it for good; after a break the browser comes back by itself.
      if (source.readyState === CLOSED) one.timer = setTimeout(() => this.#connect(slug), one.backoff.next());
    });
  }

  /** @param {string} slug */
  #leave(slug) {
    const one = this.#followed.get(slug);
    this.#followed.delete(slug);
    if (!one) return;
    clearTimeout(one.timer);
    const { source } = one;
    one.source = null;
    source?.close();
    this.told.lost(slug);
  }
}
