/**
 * What a guest reads of a station's room.
 *
 * Does:       ask for the newest messages now and then, while the chat is in sight.
 * Never:      asks for somebody who is signed in: the socket tells them.
 */
import { Poller } from '../kit/poller.js';

const SECONDS = 10;
const PAGE = 50;

export class GuestReading {
  #slug = '';
  #room = '';

  /**
   * @param {object} parts
   * @param {import('./rooms.js').Rooms} parts.rooms
   * @param {import('../account/session.js').Session} parts.session
   * @param {() => boolean} parts.visible whether the chat is in sight
   */
  constructor({ rooms, session, visible }) {
    this.rooms = rooms;
    this.session = session;
    this.visible = visible;
    this.poller = new Poller(() => this.#read(), { seconds: SECONDS, hiddenSeconds: 60 });
    this.poller.start();
  }

  /** Read this station's room, or none. @param {{slug: string, room: string} | undefined} station */
  follow(station) {
    const { slug = '', room = '' } = station ?? {};
    if (room === this.#room) return;
    this.#slug = slug;
    this.#room = room;
    this.now();
  }

  /** The chat came into sight. */
  now() {
    if (this.#wanted()) this.poller.now();
  }

  #wanted() {
    return this.#room !== '' && this.session.account.value === null && !document.hidden && this.visible();
  }

  async #read() {
    if (!this.#wanted()) return;
    const room = this.#room;
    const { data, meta } = await this.session.call('GET', `/api/stations/${this.#slug}/messages?limit=${PAGE}`);
    if (room === this.#room && this.#wanted()) this.rooms.glimpse(room, { messages: data, next: meta?.next ?? null });
  }
}
