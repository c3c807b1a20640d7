/**
 * One socket to the chat, kept alive.
 *
 * Does:       connect, sign in, sign in again before the token ends, come back after a break as the
 *             close code says; ask now and then whether the other end is there, and give up a socket
 *             on which no answer comes.
 * Never:      knows rooms or messages; puts the token into the address.
 * Guarantees: at most one socket at a time; `ready` is true only between `auth.ok` and the close.
 */
import { Backoff } from '../kit/backoff.js';
import { Signal } from '../kit/signal.js';
import { closeMeaning, closeReason, read } from './protocol.js';

/** @typedef {'off' | 'connecting' | 'ready' | 'waiting' | 'closed'} LinkState */

/** Between two questions whether the other end is there, and for how long an answer may take. */
const BEAT_MS = 20_000;
const DEAF_MS = 10_000;
/** The same once the network has come back: the old socket is probably dead. */
const DOUBT_MS = 3000;
/** From the first try to reach the chat until the sign-in is through. */
const CONNECT_MS = 20_000;

export class Link {
  /** @type {WebSocket | null} */
  #socket = null;
  #wanted = false;
  #generation = 0;
  #count = 0;
  #sent = '';
  #authRefused = false;
  #timer = 0;
  #beat = 0;
  #deaf = 0;
  #backoff = new Backoff(0.5, 30);

  /**
   * @param {string} address
   * @param {import('../account/session.js').Session} session
   * @param {(address: string) => WebSocket} [open]
   */
  constructor(address, session, open = (url) => new WebSocket(url)) {
    this.address = address;
    this.session = session;
    this.open = open;
    this.state = new Signal(/** @type {LinkState} */ ('off'));
    this.reason = '';
    /** @type {(frame: Record<string, any>) => void} */
    this.onframe = () => undefined;
    session.fresh.subscribe((token) => this.#renewed(token));
    globalThis.addEventListener?.('online', () => this.hurry());
    globalThis.document?.addEventListener('visibilitychange', () => !document.hidden && this.#ask(DEAF_MS));
  }

  /** Be connected from now on. */
  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#backoff.reset();
    this.#connect();
  }

  /** Be unconnected from now on. */
  stop() {
    this.#wanted = false;
    this.#end('off');
  }

  /**
   * Send a request. Returns its `ref`; 0 if there is no signed-in socket.
   *
   * @param {Record<string, any>} frame
   */
  send(frame) {
    if (this.state.value !== 'ready' || !this.#socket) return 0;
    this.#count += 1;
    this.#socket.send(JSON.stringify({ ...frame, ref: this.#count }));
    return this.#count;
  }

  async #connect() {
    this.#drop();
    const mine = this.#generation;
    this.state.value = 'connecting';
    this.#deaf = setTimeout(() => this.#comeBack(), CONNECT_MS);
    try {
      const token = await this.session.token();
      if (mine !== this.#generation) return;
      if (!token) this.#end('off');
      else this.#dial(mine, token);
    } catch {
      if (mine === this.#generation) this.#comeBack();
    }
  }

  /**
   * @param {number} mine
   * @param {string} token
   */
  #dial(mine, token) {
    const socket = this.open(this.address);
    const current = () => mine === this.#generation;
    this.#socket = socket;
    this.#authRefused = false;
    socket.addEventListener('open', () => current() && this.#signIn(token));
    socket.addEventListener('message', (event) => {
      const frame = read(event.data);
      if (!frame || !current()) return;
      if (this.state.value === 'ready') this.#alive();
      this.#hear(frame);
    });
    socket.addEventListener('close', (event) => current() && this.#closed(event.code));
  }

  /** @param {string} token */
  #signIn(token) {
    this.#sent = token;
    this.#socket?.send(JSON.stringify({ type: 'auth', token, ref: 'auth' }));
  }

  /** @param {Record<string, any>} frame */
  #hear(frame) {
    if (frame.type === 'auth.ok') {
      this.#authRefused = false;
      this.#backoff.reset();
      this.#alive();
      clearTimeout(this.#beat);
      this.#beat = setTimeout(() => this.#beats(), BEAT_MS);
      this.state.value = 'ready';
    } else if (frame.type === 'error' && frame.ref === 'auth') {
      this.#refused();
    } else {
      this.onframe(frame);
    }
  }

  /** One more try with another token at once; after a second refusal, after a pause. */
  async #refused() {
    if (this.#authRefused) {
      this.#comeBack();
      return;
    }
    this.#authRefused = true;
    this.session.doubt();
    const mine = this.#generation;
    const token = await this.session.token().catch(() => '');
    if (mine !== this.#generation) return;
    if (token) this.#signIn(token);
    else this.#end('off');
  }

  /** @param {string} token a new one; tell it, so that the socket outlives the old */
  #renewed(token) {
    if (token && token !== this.#sent && this.state.value === 'ready') this.#signIn(token);
  }

  /** @param {number} code */
  #closed(code) {
    const meaning = closeMeaning(code);
    if (meaning === 'leave') {
      this.reason = closeReason(code);
      this.#wanted = false;
      this.#end('closed');
      return;
    }
    if (meaning === 'renew') this.session.doubt();
    this.#comeBack();
  }

  #comeBack() {
    this.#drop();
    if (!this.#wanted) return;
    this.state.value = 'waiting';
    this.#timer = setTimeout(() => this.#connect(), this.#backoff.next());
  }

  /** The network is back: do not sit out the pause, nor trust the socket of before. */
  hurry() {
    if (this.state.value === 'waiting' || this.state.value === 'connecting') this.#connect();
    else this.#ask(DOUBT_MS);
  }

  #beats() {
    this.#ask(DEAF_MS);
    this.#beat = setTimeout(() => this.#beats(), BEAT_MS);
  }

  /** Is the other end there? Without a word from it in time it is not. @param {number} patience milliseconds */
  #ask(patience) {
    if (this.send({ type: 'ping' }) === 0) return;
    clearTimeout(this.#deaf);
    this.#deaf = setTimeout(() => this.#comeBack(), patience);
  }

  /** It spoke. */
  #alive() {
    clearTimeout(this.#deaf);
  }

  /** Let go of the socket and of all that waits for it. */
  #drop() {
    for (const timer of [this.#timer, this.#beat, this.#deaf]) clearTimeout(timer);
    this.#generation += 1;
    this.#socket?.close(1000);
    this.#socket = null;
  }

  /** @param {LinkState} state */
  #end(state) {
    this.#drop();
    this.state.value = state;
  }
}
