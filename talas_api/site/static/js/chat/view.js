/**
 * The chat of the chosen station.
 *
 * Does:       show the room, follow its end, load what is above when scrolled there; mark what came
 *             while one was not looking.
 * Guarantees: reading further up is never disturbed: what arrives below or above moves nothing in
 *             sight.
 */
import { arrange, byId, h, icon, say } from '../kit/dom.js';
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
    this.panel = this.body.parentElement;
    this.composer = composer((text) => this.#send(text));
    this.invitation = invitation(signIn);
    const announce = announcer(byId('announcer'));
    rooms.onnews = (message) => this.#news(message, announce);
    rooms.changes.subscribe(() => this.#show());
    session.account.subscribe(() => this.#foot());
    this.body.addEventListener('scroll', () => this.#scrolled());
    byId('chat-jump').addEventListener('click', () => this.toEnd());
    document.addEventListener('visibilitychange', () => this.look());
    new ResizeObserver(() => this.#stay()).observe(this.body);
  }

  /** Another room, or none. @param {string} room */
  enter(room) {
    this.rooms.enter(room);
    this.unread.value = 0;
    this.#newFrom = 0;
    this.#above = 0;
    this.#atEnd = true;
    this.#made.clear();
    this.#show();
  }

  /** What the room is called, for whom nothing more urgent must be told. @param {string} name */
  call(name) {
    this.#name = name;
    this.#notes();
  }

  /** The chat came into sight, or went. */
  look() {
    this.#stay();
    if (this.#atEnd && this.#seen()) this.unread.value = 0;
    this.#jump();
  }

  toEnd() {
    this.#atEnd = true;
    this.look();
  }

  #seen() {
    return !document.hidden && this.visible();
  }

  /** @param {string} text */
  #send(text) {
    this.#newFrom = 0;
    this.#atEnd = true;
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

  #show() {
    const { body, rooms } = this;
    if (this.#atEnd && this.#seen()) rooms.timeline.trim();
    const fromEnd = body.scrollHeight - body.scrollTop;
    const first = rooms.timeline.messages[0]?.offset ?? 0;
    arrange(byId('chat-list'), rowsOf(rooms.timeline, this.#newFrom).map((row) => this.#element(row)));
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

  #top() {
    const { timeline, reading } = this.rooms;
    const first = timeline.loaded && timeline.older === null;
    const empty = first && timeline.messages.length === 0 && timeline.outgoing.length === 0;
    const words = reading ? 'Loading\u2026' : empty ? 'Nobody has said anything yet.' : first ? 'This is where it began.' : '';
    say(byId('chat-top'), this.session.account.value ? words : '');
    byId('chat-top').dataset.empty = String(empty);
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
    foot.replaceChildren(guest ? this.invitation : this.composer.element);
    foot.hidden = this.session.account.value === undefined;
    this.panel.dataset.guest = String(guest);
    this.#show();
  }

  #jump() {
    const jump = byId('chat-jump');
    const count = this.unread.value;
    jump.hidden = this.#atEnd;
    jump.replaceChildren(icon('down'), count ? counted(count, 'new message', 'new messages') : 'To the newest');
  }

  #scrolled() {
    const { body } = this;
    this.#atEnd = body.scrollHeight - body.scrollTop - body.clientHeight < NEAR_END;
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
  return h(
    'div',
    { class: 'chat__guest' },
    icon('chat'),
    h('div', {}, h('h3', {}, 'The room is open'), h('p', {}, 'Sign in to read along and say something.')),
    h('button', { class: 'button button--main', type: 'button', on: { click: signIn } }, 'Sign in to chat'),
  );
}
