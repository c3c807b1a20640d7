/**
 * What was said in one room, as far as it is known here.
 *
 * Does:       put messages in order, each once; keep what is on its way out; know where to resume; keep
 *             so many messages and no more: the newest, or those around somebody who reads further up.
 * Never:      touches a socket, the page or a clock.
 * Guarantees: an offset is shown once, whether it came live, from history or by our own `ack`, in
 *             whichever order; a message on its way out is shown until its own copy is.
 */

/** @typedef {{id: string, username: string}} Person */
/** @typedef {{offset: number, id: string, sender: Person | null, text: string, at: string}} Message */

/**
 * @typedef {object} Outgoing
 * @property {string} nonce
 * @property {string} text
 * @property {string} at
 * @property {'sending' | 'failed'} state
 * @property {string} why empty unless failed
 * @property {number} seen offset under which it has come back, before its `ack`; 0: not yet
 */

export const MOST = 400;
const SLACK = 50;

export class Timeline {
  /** @type {Map<number, Message>} */
  #messages = new Map();
  /** @type {Map<string, Outgoing>} */
  #outgoing = new Map();
  #epoch = '';
  #last = 0;

  /** @param {() => Person | null} me */
  constructor(me) {
    this.me = me;
    /** The `before` of the page above what is here; null: this is the beginning. @type {number | null} */
    this.older = null;
    /** Whether the room's history was loaded once. */
    this.loaded = false;
    /** Whether somebody reads further up, so that the newest may go rather than the oldest. */
    this.held = false;
    /** Whether the newest are not here, and must be read again to be seen. */
    this.parted = false;
  }

  /** Messages in order. */
  get messages() {
    return [...this.#messages.values()].sort((a, b) => a.offset - b.offset);
  }

  /** What is on its way out and not shown as a message yet, oldest first. */
  get outgoing() {
    return [...this.#outgoing.values()].filter((one) => one.seen === 0);
  }

  /** What must be sent, or sent again, on a fresh socket. */
  get unacknowledged() {
    return [...this.#outgoing.values()].filter((one) => one.state === 'sending');
  }

  /** Where to resume: what `room.join` takes; null before the room was ever joined. */
  get resume() {
    return this.#epoch ? { epoch: this.#epoch, offset: this.#last } : null;
  }

  /**
   * The room was joined.
   *
   * @param {{epoch: string, offset: number, recovered?: boolean}} joined
   * @returns {boolean} whether its history must be loaded
   */
  joined({ epoch, offset, recovered }) {
    if (recovered && this.loaded && epoch === this.#epoch) return false;
    this.#messages.clear();
    this.#epoch = epoch;
    this.#last = offset;
    this.loaded = false;
    this.older = null;
    this.parted = false;
    return true;
  }

  /**
   * Go back to the newest.
   *
   * @returns {number} the `before` of the page to read; 0: they are here
   */
  rejoin() {
    this.held = false;
    if (!this.parted) return 0;
    this.#messages.clear();
    this.parted = false;
    this.loaded = false;
    this.older = null;
    return this.#last + 1;
  }

  /**
   * A message, live.
   *
   * @param {Message} message
   * @returns {boolean} whether it is new here
   */
  arrived(message) {
    const fresh = this.parted ? message.offset > this.#last : !this.#messages.has(message.offset);
    this.#last = Math.max(this.#last, message.offset);
    if (!fresh) return false;
    if (!this.parted) this.#messages.set(message.offset, message);
    this.#recognise(message);
    this.#cap();
    return true;
  }

  /**
   * A page of history.
   *
   * @param {{messages: Message[], next: number | null}} page
   */
  read({ messages, next }) {
    for (const message of messages) this.#messages.set(message.offset, message);
    this.older = next;
    this.loaded = true;
    this.#cap();
  }

  /**
   * A message of ours sets out.
   *
   * @param {string} nonce
   * @param {string} text
   * @param {string} at
   */
  send(nonce, text, at) {
    this.#outgoing.set(nonce, { nonce, text, at, state: 'sending', why: '', seen: 0 });
  }

  /** Try again what failed. @param {string} nonce */
  retry(nonce) {
    const one = this.#outgoing.get(nonce);
    if (one) Object.assign(one, { state: 'sending', why: '' });
  }

  /** Give up what failed. @param {string} nonce */
  discard(nonce) {
    this.#outgoing.delete(nonce);
  }

  /**
   * It is committed.
   *
   * @param {{nonce: string, offset: number, id: string}} ack
   */
  acknowledged({ nonce, offset, id }) {
    const one = this.#outgoing.get(nonce);
    if (!one) return;
    this.#outgoing.delete(nonce);
    if (this.parted || this.#messages.has(offset)) return;
    this.#messages.set(offset, { offset, id, sender: this.me(), text: one.text, at: one.at });
  }

  /**
   * It was refused, or nobody answered.
   *
   * @param {string} nonce
   * @param {string} why
   */
  failed(nonce, why) {
    const one = this.#outgoing.get(nonce);
    if (one) Object.assign(one, { state: 'failed', why, seen: 0 });
  }

  /** Let go of what is beyond the limit; it can be read again. Now and then, for it sorts. */
  #cap() {
    const most = this.held ? 2 * MOST : MOST;
    if (this.#messages.size <= most + SLACK) return;
    const offsets = this.messages.map((message) => message.offset);
    if (this.held) {
      for (const offset of offsets.slice(most)) this.#messages.delete(offset);
      this.parted = true;
    } else {
      for (const offset of offsets.slice(0, -most)) this.#messages.delete(offset);
      this.older = offsets[offsets.length - most];
    }
  }

  /** Our own message may come back before its `ack`; it must not stand there twice meanwhile. @param {Message} message */
  #recognise(message) {
    if (message.sender === null || message.sender.id !== this.me()?.id) return;
    for (const one of this.#outgoing.values()) {
      if (one.seen === 0 && one.state === 'sending' && one.text === message.text) {
        one.seen = message.offset;
        return;
      }
    }
  }
}
