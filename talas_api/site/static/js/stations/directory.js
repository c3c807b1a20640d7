/**
 * All stations, kept up to date.
 *
 * Does:       ask the API for the list and the stream port for what is on the air; take what is told of
 *             a station as it happens, and ask seldom meanwhile; tell who listens.
 * Never:      forgets the last good answer because a newer question failed; calls a station gone, or
 *             off the air, because nobody answered.
 * Guarantees: `stations` changes only when something in it did.
 */
import { Poller } from '../kit/poller.js';
import { Signal } from '../kit/signal.js';
import { joined, newest, onAir, withNews } from './status.js';

const PAGE = 100;
const MOST_PAGES = 10;
const LIST_SECONDS = 60;
const STRANGER_MS = 10_000;
const CHECK_MS = 5000;
/** Between two questions what is on the air: where nothing else tells, and where events do. */
const ASK_SECONDS = 4;
const FOLLOWED_SECONDS = 30;

/** @typedef {import('./status.js').Station} Station */
/** @typedef {'loading' | 'good' | 'unreachable'} Condition how the last question went */

/**
 * The station that a visit begins with: the last one if it is still there, else the first on the air.
 *
 * @param {Directory} directory
 * @param {string} last slug of the last visit's; may be empty
 */
export function atFirst(directory, last) {
  return (directory.find(last) ?? directory.stations.value[0])?.slug ?? '';
}

export class Directory {
  /** @type {import('./status.js').Listed[]} */
  #listed = [];
  /** @type {Map<string, import('./status.js').Air>} */
  #airs = new Map();
  /** Stations of which every change is told, so that an older answer may not undo it. @type {Set<string>} */
  #followed = new Set();
  #last = '';
  #askedAt = 0;
  /** Whether the list holds every station there is. */
  #whole = false;

  /**
   * @param {import('../account/api.js').Call} call
   * @param {string} stream address of the stream port
   */
  constructor(call, stream) {
    this.call = call;
    this.stream = stream;
    this.stations = new Signal(/** @type {Station[]} */ ([]));
    /** What became of the list. */
    this.listing = new Signal(/** @type {Condition} */ ('loading'));
    /** What became of the question what is on the air. */
    this.airing = new Signal(/** @type {Condition} */ ('loading'));
    /** Whether both were asked: before that nobody knows which station to choose. @type {Signal<boolean>} */
    this.settled = new Signal(false);
    this.lists = new Poller(() => this.#list(), { seconds: LIST_SECONDS, hiddenSeconds: 300 });
    this.status = new Poller(() => this.#status(), { seconds: ASK_SECONDS, hiddenSeconds: FOLLOWED_SECONDS });
  }

  start() {
    this.lists.start();
    this.status.start();
  }

  /**
   * @param {string} slug
   * @returns {Station | undefined}
   */
  find(slug) {
    return this.stations.value.find((station) => station.slug === slug);
  }

  /** Whether the list ever came. */
  get listed() {
    return this.#askedAt > 0;
  }

  /** Whether there is no such station, as far as a good answer said so. @param {string} slug */
  lacks(slug) {
    return this.listed && this.#whole && this.find(slug) === undefined;
  }

  /** A station fell silent: it may be gone. Asked after a while that differs, for many hear it at once. */
  check() {
    setTimeout(() => {
      if (Date.now() - this.#askedAt > STRANGER_MS) this.lists.now();
    }, CHECK_MS * Math.random());
  }

  /** A station was just made or changed here: do not wait for the next list. @param {any} made */
  add({ id, slug, name, description, room, owner, created_at, renditions, prefer_source }) {
    const station = { id, slug, name, description, room, owner, created_at, renditions, prefer_source };
    this.#listed = [...this.#listed.filter((one) => one.slug !== slug), station];
    this.#tell();
  }

  /** A station was just deleted here. @param {string} slug */
  drop(slug) {
    this.#listed = this.#listed.filter((one) => one.slug !== slug);
    this.#tell();
  }

  /**
   * An event of a station.
   *
   * @param {string} slug
   * @param {import('./events.js').Now} now
   */
  heard(slug, now) {
    this.#followed.add(slug);
    this.status.seconds = FOLLOWED_SECONDS;
    this.#airs = withNews(this.#airs, slug, now);
    this.#tell();
  }

  /** No more events of it come. @param {string} slug */
  unheard(slug) {
    if (!this.#followed.delete(slug)) return;
    if (this.#followed.size === 0) this.status.seconds = ASK_SECONDS;
    this.status.now();
  }

  async #list() {
    const found = [];
    let after = '';
    try {
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const more = after && `&after=${encodeURIComponent(after)}`;
        const { data, meta } = await this.call('GET', `/api/stations?limit=${PAGE}${more}`);
        found.push(...data);
        after = meta?.next ?? '';
        if (!after) break;
      }
    } catch (error) {
      this.listing.value = 'unreachable';
      throw error;
    }
    this.#listed = found;
    this.#whole = after === '';
    this.#askedAt = Date.now();
    this.#answered(this.listing);
  }

  async #status() {
    try {
      const response = await fetch(`${this.stream}/status-json.xsl`, {
        cache: 'no-store',
        credentials: 'omit',
        signal: AbortSignal.timeout(8000),
      });
      this.#airs = newest(onAir(await response.json()), this.#airs, this.#followed);
    } catch (error) {
      this.airing.value = 'unreachable';
      this.#settle();
      throw error;
    }
    this.#answered(this.airing);
    this.#askForStrangers();
  }

  /** What was answered is told before how it went: who hears of the one may look at the other. @param {Signal<Condition>} condition */
  #answered(condition) {
    this.#tell();
    condition.value = 'good';
    this.#settle();
  }

  #settle() {
    this.settled.value = this.#askedAt > 0 && this.airing.value !== 'loading';
  }

  /** A station on the air that the list lacks is a new one. */
  #askForStrangers() {
    if (this.#askedAt === 0) return;
    const known = new Set(this.#listed.map((station) => station.slug));
    const strange = [...this.#airs.keys()].some((slug) => !known.has(slug));
    if (strange && Date.now() - this.#askedAt > STRANGER_MS) this.lists.now();
  }

  #tell() {
    const stations = joined(this.#listed, this.#airs);
    const text = JSON.stringify(stations);
    if (text === this.#last) return;
    this.#last = text;
    this.stations.value = stations;
  }
}
