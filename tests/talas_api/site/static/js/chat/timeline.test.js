import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MOST, Timeline } from '#page/chat/timeline.js';

const ADA = { id: 'a', username: 'ada' };
const BOB = { id: 'b', username: 'bob' };
const NOW = '2030-01-01T12:00:00.000Z';
const message = (offset, text = `t${offset}`, sender = BOB) => ({ offset, id: `i${offset}`, sender, text, at: NOW });
const texts = (timeline) => timeline.messages.map((one) => one.text);

function joined(offset = 0) {
  const timeline = new Timeline(() => ADA);
  assert.equal(timeline.joined({ epoch: 'e', offset }), true);
  timeline.read({ messages: [], next: null });
  return timeline;
}

test('messages stand in order, each once, wherever they came from', () => {
  const timeline = joined(3);
  timeline.arrived(message(4));
  timeline.read({ messages: [message(2), message(3), message(4)], next: 2 });
  assert.equal(timeline.arrived(message(4)), false);
  assert.deepEqual(texts(timeline), ['t2', 't3', 't4']);
  assert.equal(timeline.older, 2);
});

test('resuming needs the epoch and the last offset seen', () => {
  const timeline = new Timeline(() => ADA);
  assert.equal(timeline.resume, null);
  timeline.joined({ epoch: 'e', offset: 7 });
  assert.deepEqual(timeline.resume, { epoch: 'e', offset: 7 });
  timeline.arrived(message(8));
  assert.deepEqual(timeline.resume, { epoch: 'e', offset: 8 });
});

test('a recovered room keeps what it has; another epoch begins anew', () => {
  const timeline = joined(1);
  timeline.arrived(message(2));
  assert.equal(timeline.joined({ epoch: 'e', offset: 5, recovered: true }), false);
  assert.deepEqual(texts(timeline), ['t2']);
  assert.equal(timeline.joined({ epoch: 'f', offset: 1, recovered: false }), true);
  assert.deepEqual(texts(timeline), []);
  assert.equal(timeline.loaded, false);
});

test('our message is shown once when the ack comes first', () => {
  const timeline = joined();
  timeline.send('n', 'hello', NOW);
  assert.equal(timeline.outgoing.length, 1);
  timeline.acknowledged({ nonce: 'n', offset: 1, id: 'i1' });
  timeline.arrived(message(1, 'hello', ADA));
  assert.deepEqual(texts(timeline), ['hello']);
  assert.deepEqual([timeline.outgoing.length, timeline.unacknowledged.length], [0, 0]);
});

test('our message is shown once when it comes back before the ack', () => {
  const timeline = joined();
  timeline.send('n', 'hello', NOW);
  timeline.arrived(message(1, 'hello', ADA));
  assert.deepEqual([texts(timeline).length, timeline.outgoing.length], [1, 0]);
  assert.equal(timeline.unacknowledged.length, 1);
  timeline.acknowledged({ nonce: 'n', offset: 1, id: 'i1' });
  assert.deepEqual([texts(timeline).length, timeline.unacknowledged.length], [1, 0]);
});

test('the same words from another of our tabs do not swallow ours', () => {
  const timeline = joined();
  timeline.send('n', 'hello', NOW);
  timeline.arrived(message(1, 'hello', ADA));
  timeline.acknowledged({ nonce: 'n', offset: 2, id: 'i2' });
  assert.deepEqual(timeline.messages.map((one) => one.offset), [1, 2]);
});

test('the words of somebody else never count as ours', () => {
  const timeline = joined();
  timeline.send('n', 'hello', NOW);
  timeline.arrived(message(1, 'hello', BOB));
  timeline.arrived(message(2, 'hello', null));
  assert.equal(timeline.outgoing.length, 1);
});

test('what failed can be tried again or let go', () => {
  const timeline = joined();
  timeline.send('n', 'hello', NOW);
  timeline.failed('n', 'Too many.');
  assert.deepEqual([timeline.outgoing[0].state, timeline.outgoing[0].why], ['failed', 'Too many.']);
  assert.equal(timeline.unacknowledged.length, 0);
  timeline.retry('n');
  assert.equal(timeline.unacknowledged[0].nonce, 'n');
  timeline.discard('n');
  assert.equal(timeline.outgoing.length, 0);
});

test('answers about what is gone change nothing', () => {
  const timeline = joined();
  timeline.acknowledged({ nonce: 'x', offset: 1, id: 'i' });
  timeline.failed('x', 'why');
  timeline.retry('x');
  assert.deepEqual([timeline.messages.length, timeline.outgoing.length], [0, 0]);
});

test('a long room keeps its newest without being told to, and can read the rest again', () => {
  const timeline = joined();
  for (let offset = 1; offset <= 12 * MOST; offset += 1) {
    timeline.arrived(message(offset));
    assert.ok(timeline.messages.length < 1.2 * MOST, String(timeline.messages.length));
  }
  assert.equal(timeline.messages.at(-1).offset, 12 * MOST);
  assert.ok(timeline.messages.length >= MOST);
  assert.ok(timeline.older > 0 && timeline.older <= timeline.messages[0].offset);
  assert.equal(timeline.parted, false);
});

test('somebody who reads further up keeps what they read, and the newest go instead', () => {
  const timeline = joined();
  timeline.held = true;
  for (let offset = 1; offset <= 6 * MOST; offset += 1) assert.equal(timeline.arrived(message(offset)), true);
  assert.equal(timeline.messages[0].offset, 1);
  assert.ok(timeline.messages.length < 2.2 * MOST);
  assert.equal(timeline.parted, true);
  assert.deepEqual(timeline.resume, { epoch: 'e', offset: 6 * MOST });
  assert.equal(timeline.arrived(message(6 * MOST)), false);
});

test('who goes back to the newest reads them anew', () => {
  const timeline = joined();
  assert.equal(timeline.rejoin(), 0);
  timeline.held = true;
  for (let offset = 1; offset <= 3 * MOST; offset += 1) timeline.arrived(message(offset));
  assert.equal(timeline.rejoin(), 3 * MOST + 1);
  assert.deepEqual([timeline.messages.length, timeline.loaded, timeline.held], [0, false, false]);
  timeline.read({ messages: [message(3 * MOST)], next: 3 * MOST });
  timeline.arrived(message(3 * MOST + 1));
  assert.deepEqual(timeline.messages.map((one) => one.offset), [3 * MOST, 3 * MOST + 1]);
});
