import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsOf } from '#page/chat/rows.js';
import { Timeline } from '#page/chat/timeline.js';

const ADA = { id: 'a', username: 'ada' };
const BOB = { id: 'b', username: 'bob' };
const at = (day, hour, minute) => new Date(2030, 0, day, hour, minute).toISOString();

function timeline(...messages) {
  const made = new Timeline(() => ADA);
  made.joined({ epoch: 'e', offset: 0 });
  made.read({ messages: messages.map(([sender, when], index) => ({ offset: index + 1, id: `i${index}`, sender, text: 'x', at: when })), next: null });
  return made;
}

test('one person in a few minutes is one group', () => {
  const rows = rowsOf(timeline([BOB, at(1, 9, 0)], [BOB, at(1, 9, 4)], [BOB, at(1, 9, 20)], [ADA, at(1, 9, 21)]), 0);
  assert.deepEqual(rows.map((row) => row.kind), ['day', 'message', 'message', 'message', 'message']);
  assert.deepEqual(rows.slice(1).map((row) => row.head), [true, false, true, true]);
  assert.deepEqual(rows.slice(1).map((row) => row.own), [false, false, false, true]);
});

test('a new day and what is new begin a group of their own', () => {
  const rows = rowsOf(timeline([BOB, at(1, 23, 59)], [BOB, at(2, 0, 1)], [BOB, at(2, 0, 2)]), 3);
  assert.deepEqual(rows.map((row) => row.key), ['day-2030-1-1', 'm1', 'day-2030-1-2', 'm2', 'new', 'm3']);
  assert.ok(rows.filter((row) => row.kind === 'message').every((row) => row.head));
});

test('what is on its way out stands at the end', () => {
  const made = timeline([BOB, at(1, 9, 0)]);
  made.send('n', 'hello', at(1, 9, 1));
  const rows = rowsOf(made, 0);
  assert.deepEqual(rows.map((row) => row.key), ['day-2030-1-1', 'm1', 'on']);
  assert.equal(rows[2].own, true);
});

test('people whose account is gone are one nobody', () => {
  const rows = rowsOf(timeline([null, at(1, 9, 0)], [null, at(1, 9, 1)]), 0);
  assert.deepEqual(rows.slice(1).map((row) => row.head), [true, false]);
});
