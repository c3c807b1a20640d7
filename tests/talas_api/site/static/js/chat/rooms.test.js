import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { Rooms } from '#page/chat/rooms.js';
import { MOST } from '#page/chat/timeline.js';
import { Signal } from '#page/kit/signal.js';

const ADA = { id: 'a', username: 'ada' };
const BOB = { id: 'b', username: 'bob' };

class Link {
  state = new Signal('off');
  sent = [];
  onframe = () => undefined;

  send(frame) {
    if (this.state.value !== 'ready') return 0;
    this.sent.push(frame);
    return this.sent.length;
  }
}

let link;
let rooms;
const of = (type) => link.sent.filter((frame) => frame.type === type);
const reply = (type, more) => link.onframe({ type, room: 'r', ...more });
const message = (offset, sender = BOB) => ({ offset, id: `i${offset}`, sender, text: `t${offset}`, at: '2030-01-01T00:00:00Z' });

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  link = new Link();
  rooms = new Rooms(link, () => ADA, () => new Date(0));
});
afterEach(() => mock.timers.reset());

function live(offset = 2) {
  rooms.enter('r');
  link.state.value = 'ready';
  reply('room.joined', { epoch: 'e', offset });
  reply('history', { messages: [message(1), message(2)], next: null });
}

test('a room is joined, then read from its end', () => {
  live();
  assert.deepEqual(link.sent, [
    { type: 'room.join', room: 'r' },
    { type: 'history', room: 'r', before: 3, limit: 50 },
  ]);
  assert.equal(rooms.live, true);
  assert.equal(rooms.timeline.messages.length, 2);
});

test('after a break the room is resumed where it was left, and nothing is read again', () => {
  live();
  reply('message', message(3));
  link.state.value = 'waiting';
  assert.equal(rooms.live, false);
  link.state.value = 'ready';
  assert.deepEqual(of('room.join')[1], { type: 'room.join', room: 'r', epoch: 'e', offset: 3 });
  reply('room.joined', { epoch: 'e', offset: 5, recovered: true });
  reply('message', message(4));
  reply('message', message(5));
  assert.equal(of('history').length, 1);
  assert.deepEqual(rooms.timeline.messages.map((one) => one.offset), [1, 2, 3, 4, 5]);
});

test('a room that cannot be resumed is read anew', () => {
  live();
  link.state.value = 'waiting';
  link.state.value = 'ready';
  reply('room.joined', { epoch: 'f', offset: 900, recovered: false });
  assert.equal(of('history')[1].before, 901);
  assert.equal(rooms.timeline.messages.length, 0);
});

test('what was not acknowledged is sent again under the same nonce', () => {
  live();
  rooms.send('hello');
  link.state.value = 'waiting';
  rooms.send('written without a connection');
  link.state.value = 'ready';
  reply('room.joined', { epoch: 'e', offset: 2, recovered: true });
  const [first, again, second] = of('message.send');
  assert.deepEqual(again, first);
  assert.equal(second.text, 'written without a connection');
  reply('ack', { nonce: first.nonce, offset: 3, id: 'i3' });
  assert.equal(rooms.timeline.outgoing.length, 1);
});

test('a refusal is shown at the message, which can be tried again', () => {
  live();
  rooms.send('hello');
  link.onframe({ type: 'error', code: 'too_many', message: 'Slow down.', ref: link.sent.length });
  const [failed] = rooms.timeline.outgoing;
  assert.deepEqual([failed.state, failed.why], ['failed', 'Slow down.']);
  rooms.retry(failed.nonce);
  const sends = of('message.send');
  assert.equal(sends.length, 2);
  assert.equal(sends[0].nonce, sends[1].nonce);
});

test('silence is a failure only while connected', () => {
  live();
  rooms.send('one');
  mock.timers.tick(12_000);
  assert.equal(rooms.timeline.outgoing[0].state, 'failed');
  rooms.discard(rooms.timeline.outgoing[0].nonce);
  link.state.value = 'waiting';
  rooms.send('two');
  mock.timers.tick(12_000);
  assert.equal(rooms.timeline.outgoing[0].state, 'sending');
});

test('a message refused because the room was not joined waits for the join', () => {
  live();
  rooms.send('hello');
  link.onframe({ type: 'error', code: 'not_joined', message: '', ref: link.sent.length });
  assert.equal(rooms.timeline.outgoing[0].state, 'sending');
  mock.timers.tick(2000);
  reply('room.joined', { epoch: 'e', offset: 2, recovered: true });
  assert.equal(of('message.send').length, 2);
});

test('another room is entered after leaving this one, and coming back resumes', () => {
  live();
  rooms.enter('s');
  assert.deepEqual(link.sent.slice(2).map((frame) => [frame.type, frame.room]), [['room.leave', 'r'], ['room.join', 's']]);
  rooms.enter('r');
  assert.deepEqual(of('room.join').at(-1), { type: 'room.join', room: 'r', epoch: 'e', offset: 2 });
});

test('an answer about a room that was left meanwhile changes nothing here', () => {
  live();
  rooms.enter('s');
  reply('room.joined', { epoch: 'e', offset: 9 });
  assert.equal(of('history').length, 1);
  assert.equal(rooms.live, false);
});

test('a room that is removed is left, and neither joined nor written to again', () => {
  live();
  reply('room.removed', { room: 'elsewhere' });
  assert.equal(rooms.live, true);
  rooms.send('last words');
  reply('room.removed');
  assert.equal(rooms.live, false);
  assert.deepEqual([rooms.timeline.messages, rooms.timeline.outgoing], [[], []]);
  link.onframe({ type: 'error', code: 'not_joined', message: '', ref: link.sent.length });
  link.state.value = 'waiting';
  link.state.value = 'ready';
  rooms.send('too late');
  mock.timers.tick(20_000);
  assert.equal(rooms.timeline.outgoing[0].state, 'failed');
  assert.equal(of('room.join').length, 1);
  assert.equal(of('message.send').length, 1);
  rooms.enter('s');
  assert.deepEqual(of('room.join').at(-1), { type: 'room.join', room: 's' });
  assert.equal(of('room.leave').length, 0);
});

test('older pages are read one at a time, down to the beginning', () => {
  rooms.enter('r');
  link.state.value = 'ready';
  reply('room.joined', { epoch: 'e', offset: 3 });
  assert.equal(rooms.readOlder(), false);
  reply('history', { messages: [message(3)], next: 3 });
  assert.equal(rooms.readOlder(), true);
  assert.equal(rooms.readOlder(), false);
  reply('history', { messages: [message(1), message(2)], next: null });
  assert.equal(rooms.readOlder(), false);
  assert.deepEqual(of('history').map((frame) => frame.before), [4, 3]);
});

test('news are what others say, once', () => {
  live();
  const news = [];
  rooms.onnews = (one) => news.push(one.offset);
  reply('message', message(3));
  reply('message', message(3));
  reply('message', message(4, ADA));
  reply('message', { ...message(5), room: 'elsewhere' });
  assert.deepEqual(news, [3]);
});

test('a failed question about history can be asked again', () => {
  rooms.enter('r');
  link.state.value = 'ready';
  reply('room.joined', { epoch: 'e', offset: 3 });
  link.onframe({ type: 'error', code: 'unavailable', message: '', ref: link.sent.length });
  mock.timers.tick(2000);
  assert.equal(of('room.join').length, 2);
});

test('nothing is sent where no room was entered', () => {
  live();
  rooms.enter('');
  rooms.send('hello');
  assert.equal(of('message.send').length, 0);
  assert.equal(rooms.timeline.outgoing.length, 0);
});

test('the newest are read again after they were let go, and an older page on its way is not taken', () => {
  live();
  reply('history', { messages: [message(1), message(2)], next: 1 });
  rooms.timeline.held = true;
  for (let offset = 3; offset <= 3 * MOST; offset += 1) reply('message', message(offset));
  assert.equal(rooms.readOlder(), true);
  const late = link.sent.length;
  rooms.readNewest();
  assert.deepEqual(of('history').at(-1), { type: 'history', room: 'r', before: 3 * MOST + 1, limit: 50 });
  reply('history', { messages: [message(1)], next: null, ref: late });
  assert.equal(rooms.timeline.messages.length, 0);
  reply('history', { messages: [message(3 * MOST)], next: 3 * MOST, ref: link.sent.length });
  assert.deepEqual(rooms.timeline.messages.map((one) => one.offset), [3 * MOST]);
});
