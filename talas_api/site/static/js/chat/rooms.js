/**
 * The room one is in: joins it, sends to it, reads it, and resumes it after a break.
 *
 * Does:       turn frames into what a Timeline needs to know, and wishes into frames.
 * Never:      touches the page.
 * Guarantees: what was sent is acknowledged, shown as failed, or sent again under the same nonce;
 *             never lost, never twice.
 */
import { Signal } from '../kit/signal.js';
import { afterRefusal, nonce } from './protocol.js';
import { Timeline } from './timeline.js';

const PAGE = 50;
const ACK_MS = 12_000;
const AGAIN_MS = 1500;

export class Rooms {
  #room = '';
  #joined = false;
  /** @type {Map<string, Timeline>} */
  #timelines = new Map();
  /** @type {Map<number, {kind: string, room: string, nonce?: string}>} */
  #asked = new Map();
  /** Whether the room was removed under us: what is written there fails in sight. */
  #removed = false;
  /** `ref` of the page that is being read; 0: none. */
  #reading = 0;

  /**
   * @param {import('./link.js').Link} link
   * @param {() => import('./timeline.js').Person | null} me
   * @param {() => Date} [now]
   */
  constructor(link, me, now = () => new Date()) {
    this.link = link;
    this.me = me;
    this.now = now;
    /** Counts changes of what there is to show. */
    this.changes = new Signal(0);
    /** @type {(message: import('./timeline.js').Message) => void} a new one, live, by somebody else */
    this.onnews = () => undefined;
    link.onframe = (frame) => this.#hear(frame);
    link.state.subscribe((state) => this.#linkIs(state));
  }

  get timeline() {
    return this.#of(this.#room);
  }

  /** Whether the room is joined and its history was read. */
  get live() {
    return this.#joined && this.timeline.loaded;
  }

  /** Be in this room, and in no other; empty: in none. @param {string} room */
  enter(room) {
    this.#removed = false;
    if (room === this.#room) return;
    if (this.#joined) this.#ask({ type: 'room.leave', room: this.#room });
    this.#room = room;
    this.#joined = false;
    this.#reading = 0;
    this.#join();
    this.#changed();
  }

  /** Forget everything, since somebody else may sit here now. */
  clear() {
    this.#timelines.clear();
    this.#changed();
  }

  /** Nothing is sent where no room was entered. @param {string} text */
  send(text) {
    if (!this.#room && !this.#removed) return;
    const key = nonce();
    this.timeline.send(key, text, this.now().toISOString());
    if (this.#room) this.#dispatch(key, text);
    else this.timeline.failed(key, 'There is no room to say it in.');
    this.#changed();
  }

  /** @param {string} key nonce */
  retry(key) {
    this.timeline.retry(key);
    const one = this.timeline.unacknowledged.find((each) => each.nonce === key);
    if (one) this.#dispatch(key, one.text);
    this.#changed();
  }

  /** @param {string} key nonce */
  discard(key) {
    this.timeline.discard(key);
    this.#changed();
  }

  /** Read the page above, if there is one. Returns whether it was asked for. */
  readOlder() {
    const { older, loaded } = this.timeline;
    if (!loaded || older === null || this.#reading > 0 || !this.#joined) return false;
    this.#read(older);
    return true;
  }

  /** Have the newest messages here, reading them again if they were let go. */
  readNewest() {
    const before = this.timeline.rejoin();
    if (before === 0) return;
    // An older page that is on its way would leave a gap below itself.
    this.#asked.delete(this.#reading);
    this.#reading = 0;
    if (this.#joined) this.#read(before);
    this.#changed();
  }

  /**
   * What was read of a room elsewhere, in place of what is here: a guest has no socket.
   *
   * @param {string} room
   * @param {{messages: import('./timeline.js').Message[], next: number | null}} page
   */
  glimpse(room, page) {
    const timeline = this.#of(room);
    timeline.joined({ epoch: '', offset: 0 });
    timeline.read(page);
    this.#changed();
  }

  get reading() {
    return this.#reading > 0;
  }

  /** @param {import('./link.js').LinkState} state */
  #linkIs(state) {
    this.#joined = false;
    this.#reading = 0;
    this.#asked.clear();
    if (state === 'ready') this.#join();
    this.#changed();
  }

  #join() {
    if (!this.#room) return;
    this.#ask({ type: 'room.join', room: this.#room, ...(this.timeline.loaded ? this.timeline.resume : {}) });
  }

  /** @param {number} before */
  #read(before) {
    this.#reading = this.#ask({ type: 'history', room: this.#room, before, limit: PAGE });
  }

  /**
   * @param {string} key
   * @param {string} text
   */
  #dispatch(key, text) {
    const room = this.#room;
    if (this.#joined) this.#ask({ type: 'message.send', room, nonce: key, text });
    setTimeout(() => {
      const late = this.#of(room).unacknowledged.some((one) => one.nonce === key);
      // Without a connection the message waits for one; with one, silence is a failure.
      if (late && this.#joined && this.#room === room) this.#fail(room, key, 'No answer yet.');
    }, ACK_MS);
  }

  /** @param {Record<string, any>} frame */
  #ask(frame) {
    const ref = this.link.send(frame);
    if (ref) this.#asked.set(ref, { kind: frame.type, room: frame.room, nonce: frame.nonce });
    return ref;
  }

  /** @param {Record<string, any>} frame */
  #hear(frame) {
    const asked = this.#asked.get(frame.ref);
    this.#asked.delete(frame.ref);
    if (frame.type === 'message') this.#arrived(/** @type {any} */ (frame));
    else if (frame.type === 'ack') this.#of(frame.room).acknowledged(/** @type {any} */ (frame));
    else if (frame.type === 'room.joined') this.#isJoined(/** @type {any} */ (frame));
    else if (frame.type === 'history' && (asked || !frame.ref)) this.#hasRead(/** @type {any} */ (frame));
    else if (frame.type === 'room.removed') this.#isRemoved(frame.room);
    else if (frame.type === 'error' && asked) this.#refused(frame.code, frame.message, asked);
    else return;
    this.#changed();
  }

  /** @param {import('./timeline.js').Message & {room: string}} frame */
  #arrived(frame) {
    const { room, offset, id, sender, text, at } = frame;
    const fresh = this.#of(room).arrived({ offset, id, sender, text, at });
    if (fresh && room === this.#room && sender?.id !== this.me()?.id) this.onnews(frame);
  }

  /** @param {{room: string, epoch: string, offset: number, recovered?: boolean}} frame */
  #isJoined(frame) {
    if (frame.room !== this.#room) {
      this.#ask({ type: 'room.leave', room: frame.room });
      return;
    }
    this.#joined = true;
    if (this.timeline.joined(frame)) this.#read(frame.offset + 1);
    for (const one of this.timeline.unacknowledged) this.#dispatch(one.nonce, one.text);
  }

  /** Nothing can be said or read there any more. @param {string} room */
  #isRemoved(room) {
    this.#timelines.delete(room);
    if (room !== this.#room) return;
    this.#room = '';
    this.#removed = true;
    this.#joined = false;
    this.#reading = 0;
  }

  /** @param {{room: string, messages: import('./timeline.js').Message[], next: number | null}} frame */
  #hasRead(frame) {
    if (frame.room === this.#room) this.#reading = 0;
    this.#of(frame.room).read(frame);
  }

  /**
   * @param {string} code
   * @param {string} message
   * @param {{kind: string, room: string, nonce?: string}} asked
   */
  #refused(code, message, asked) {
    const here = asked.room === this.#room;
    if (asked.kind === 'history' && here) this.#reading = 0;
    if (asked.nonce && afterRefusal(code) === 'fail') this.#fail(asked.room, asked.nonce, message);
    const again = asked.kind !== 'message.send' || afterRefusal(code) === 'again';
    if (!here || !again || code === 'not_found' || asked.kind === 'room.leave') return;
    this.#joined = false;
    setTimeout(() => here && asked.room === this.#room && this.#join(), AGAIN_MS);
  }

  /**
   * @param {string} room
   * @param {string} key
   * @param {string} why
   */
  #fail(room, key, why) {
    this.#of(room).failed(key, why);
    this.#changed();
  }

  /** @param {string} room */
  #of(room) {
    let timeline = this.#timelines.get(room);
    if (!timeline) {
      timeline = new Timeline(this.me);
      this.#timelines.set(room, timeline);
    }
    return timeline;
  }

  #changed() {
    this.changes.value += 1;
  }
}
