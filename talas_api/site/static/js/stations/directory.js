/**
 * All stations, kept up to date.
 *
 * Does:       ask the API for the list and the stream port for what is on the air; tell who listens.
 * Never:      forgets the last good answer because a newer question failed.
 * Guarantees: `stations` changes only when something in it did.
 */
import { Poller } from '../kit/poller.js';
import { Signal } from '../kit/signal.js';
import { joined, onAir } from './status.js';

const PAGE = 100;
const MOST_PAGES = 10;
const LIST_SECONDS = 60;
const STRANGER_MS = 10_000;

/** @typedef {import('./status.js').Station} Station */

export class Directory {
  /** @type {import('./status.js').Listed[]} */
  #listed = [];
  /** @type {Map<string, import('./status.js').Air>} */
  #airs = new Map();
  #last = '';
  #askedAt = 0;

  /**
   * @param {import('../account/api.js').Call} call
   * @param {string} stream address of the stream port
   */
  constructor(call, stream) {
    this.call = call;
    this.stream = stream;
    /** @type {Signal<Station[]>} */
    this.stations = new Signal([]);
    /** @type {Signal<'loading' | 'good' | 'unreachable'>} */
    this.condition = new Signal('loading');
    this.lists = new Poller(() => this.#list(), { seconds: LIST_SECONDS, hiddenSeconds: 300 });
    this.status = new Poller(() => this.#status(), { seconds: 4, hiddenSeconds: 15 });
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

  /** A station was just made or changed here: do not wait for the next list. @param {any} made */
  add({ id, slug, name, description, room, owner, created_at, renditions }) {
    const station = { id, slug, name, description, room, owner, created_at, renditions };
    this.#listed = [...this.#listed.filter((one) => one.slug !== slug), station];
    this.#tell();
  }

  /** A station was just deleted here. @param {string} slug */
  drop(slug) {
    this.#listed = this.#listed.filter((one) => one.slug !== slug);
    this.#tell();
  }

  async #list() {
    const found = [];
    let after = '';
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const more = after && `&after=${encodeURIComponent(after)}`;
      const { data, meta } = await this.call('GET', `/api/stations?limit=${PAGE}${more}`);
      found.push(...data);
      after = meta?.next ?? '';
      if (!after) break;
    }
    this.#listed = found;
    this.#askedAt = Date.now();
    this.#tell();
    if (this.condition.value === 'loading') this.condition.value = 'good';
  }

  async #status() {
    try {
      const response = await fetch(`${this.stream}/status-json.xsl`, {
        cache: 'no-store',
        credentials: 'omit',
        signal: AbortSignal.timeout(8000),
      });
      this.#airs = onAir(await response.json());
    } catch (error) {
      if (this.condition.value !== 'loading') this.condition.value = 'unreachable';
      throw error;
    }
    this.#tell();
    if (this.#askedAt) this.condition.value = 'good';
    this.#askForStrangers();
  }

  /** A station on the air that the list lacks is a new one. */
  #askForStrangers() {
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
