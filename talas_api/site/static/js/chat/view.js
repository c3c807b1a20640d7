/**
 * The chat of the chosen station.
 *
 * Does:       show the room, follow its end, load what is above when scrolled there; mark what came
 *             while one was not looking.
 * Guarantees: reading further up is never disturbed: what arrives below or above moves nothing in
 *             sight; the page is changed once a frame at most, and not at all while nobody sees it;
 *             where no room is entered, nothing can be written.
 */
import { arrange, byId, h, say } from '../kit/dom.js';
import { Signal } from '../kit/signal.js';
import { counted } from '../kit/words.js';
import { announcer } from './announcer.js';
import { composer } from './composer.js';
import { lookOf, rowElement } from './elements.js';
import { rowsOf } from './rows.js';

const NEAR_END = 48;
const NEAR_TOP = 160;

const NOTES = /** @type {Record<string, string>} */ ({
  connecting: 'Connecting\u2026',
  waiting: 'Connection lost. Trying again\u2026',
});

export class ChatView {
  #newFrom = 0;
  #atEnd = true;
  #above = 0;
  #name = '';
  #room = '';
  #frame = 0;
  /** @type {Map<string, {look: string, element: HTMLElement}>} */
  #made = new Map();

  /**
   * @param {object} parts
   * @param {import('./rooms.js').Rooms} parts.rooms
   * @param {import('../account/session.js').Session} parts.session
   * @param {() => void} parts.signIn
   * @param {() => boolean} parts.visible whether the chat is in sight
   */
  constructor({ rooms, session, signIn, visible }) {
    this.rooms = rooms;
    this.session = session;
    this.visible = visible;
    /** Messages that came while one was not looking. */
    this.unread = new Signal(0);
    this.body = byId('chat-body');
    this.composer = composer((text) => this.#send(text));
    this.invitation = invitation(signIn);
    const announce = announcer(byId('announcer'));
    rooms.onnews = (message) => this.#news(message, announce);
    rooms.changes.subscribe(() => this.#showSoon());
    session.account.subscribe(() => this.#foot());
    this.body.addEventListener('scroll', () => this.#scrolled());
    byId('chat-jump').addEventListener('click', () => this.toEnd());
    document.addEventListener('visibilitychange', () => this.look());
    new ResizeObserver(() => this.#stay()).observe(this.body);
  }

  /** Another room, or none. @param {string} room */
  enter(room) {
    this.#room = room;
    this.composer.enter(room);
    this.#newFrom = 0;
    this.#above = 0;
    this.#follow(true);
    this.rooms.enter(room);
    this.rooms.readNewest();
    this.unread.value = 0;
    this.#made.clear();
    this.#foot();
  }

  /** Forget everything, since somebody else may sit here now. */
  clear() {
    this.rooms.clear();
    this.composer.clear();
  }

  /** What the room is called, for whom nothing more urgent must be told. @param {string} name */
  call(name) {
    this.#name = name;
    this.#notes();
  }

  /** The chat came into sight, or went. */
  look() {
    this.#showSoon();
    this.#stay();
    if (this.#atEnd && this.#seen()) this.unread.value = 0;
    this.#jump();
  }

  toEnd() {
    this.#follow(true);
    this.rooms.readNewest();
    this.look();
  }

  /** Whether the newest message is followed, or somebody reads further up. @param {boolean} atEnd */
  #follow(atEnd) {
    this.#atEnd = atEnd;
    this.rooms.timeline.held = !atEnd;
  }

  #seen() {
    return !document.hidden && this.visible();
  }

  /** @param {string} text */
  #send(text) {
    this.#newFrom = 0;
    this.toEnd();
    this.rooms.send(text);
  }

  /**
   * @param {import('./timeline.js').Message} message
   * @param {(message: import('./timeline.js').Message) => void} announce
   */
  #news(message, announce) {
    announce(message);
    if (this.#atEnd && this.#seen()) return;
    if (this.unread.value === 0) this.#newFrom = message.offset;
    this.unread.value += 1;
  }

  /** With the next frame, which a hidden page never has. */
  #showSoon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.visible()) this.#show();
    });
  }

  #show() {
    const { body, rooms } = this;
    const fromEnd = body.scrollHeight - body.scrollTop;
    const first = rooms.timeline.messages[0]?.offset ?? 0;
    const rows = rowsOf(rooms.timeline, this.#newFrom);
    arrange(byId('chat-list'), rows.map((row) => this.#element(row)));
    this.#forget(rows);
    this.#top();
    this.#notes();
    this.#jump();
    if (this.#atEnd) this.#stay();
    else if (first < this.#above) body.scrollTop = body.scrollHeight - fromEnd;
    this.#above = first;
  }

  /** @param {import('./rows.js').Row} row */
  #element(row) {
    const look = lookOf(row);
    let made = this.#made.get(row.key);
    if (made?.look !== look) {
      const { rooms } = this;
      const deeds = { retry: rooms.retry.bind(rooms), discard: rooms.discard.bind(rooms) };
      made = { look, element: rowElement(row, deeds) };
      this.#made.set(row.key, made);
    }
    return made.element;
  }

  /** Let go of the elements that are shown no more. @param {import('./rows.js').Row[]} rows */
  #forget(rows) {
    if (this.#made.size === rows.length) return;
    const keys = new Set(rows.map((row) => row.key));
    for (const key of this.#made.keys()) if (!keys.has(key)) this.#made.delete(key);
  }

  #top() {
    const { timeline, reading } = this.rooms;
    const first = timeline.loaded && timeline.older === null;
    const empty = first && timeline.messages.length === 0 && timeline.outgoing.length === 0;
    const words = reading ? 'Loading\u2026' : empty ? 'Nobody has said anything yet.' : first ? 'This is where it began.' : '';
    say(byId('chat-top'), this.#room ? words : '');
    byId('chat-top').dataset.empty = String(empty && this.#room !== '');
  }

  #notes() {
    const { link } = this.rooms;
    const note = link.state.value === 'closed' ? link.reason : NOTES[link.state.value];
    say(byId('chat-note'), (this.session.account.value && note) || this.#name);
    byId('chat-note').dataset.trouble = String(['waiting', 'closed'].includes(link.state.value));
  }

  #foot() {
    const foot = byId('chat-foot');
    const guest = this.session.account.value === null;
    const shown = guest ? this.invitation : this.composer.element;
    if (foot.firstChild !== shown) foot.replaceChildren(shown);
    foot.hidden = this.#room === '';
    this.#showSoon();
  }

  #jump() {
    const count = this.unread.value;
    byId('chat-jump').hidden = this.#atEnd;
    say(byId('chat-jump-word'), count ? counted(count, 'new message', 'new messages') : 'To the newest');
  }

  #scrolled() {
    const { body } = this;
    const near = body.scrollHeight - body.scrollTop - body.clientHeight < NEAR_END;
    this.#follow(near && !this.rooms.timeline.parted);
    if (body.scrollTop < NEAR_TOP && !this.#atEnd) this.rooms.readOlder();
    if (this.#atEnd && this.#seen()) this.unread.value = 0;
    this.#jump();
  }

  #stay() {
    if (this.#atEnd) this.body.scrollTop = this.body.scrollHeight;
  }
}

/** What a guest sees where others write. @param {() => void} signIn */
function invitation(signIn) {
  return h('button', { class: 'button button--main', type: 'button', on: { click: signIn } }, 'Sign in to say something');
}
