import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Played } from '#page/stations/played.js';

const texts = (played) => played.of('demo').map((one) => one.text);
const answering = (data) => {
  globalThis.fetch = async (address) => {
    assert.equal(address, 'http://x:3002/demo/history');
    return { json: async () => ({ success: true, data }) };
  };
};

test('what played before is asked for, and what comes is added', async () => {
  const played = new Played('http://x:3002');
  answering([{ text: 'B', started_at: '2030-01-01T12:03:00Z' }, { text: 'A', started_at: '2030-01-01T12:00:00Z' }]);
  await played.load('demo');
  assert.deepEqual(texts(played), ['B', 'A']);
  assert.equal(played.of('demo')[1].at.toISOString(), '2030-01-01T12:00:00.000Z');
  played.note('demo', 'B');
  played.note('demo', '');
  played.note('demo', 'C');
  assert.deepEqual(texts(played), ['C', 'B', 'A']);
});

test('without an answer there is what was heard here, and never more than fifty', async () => {
  const played = new Played('http://x:3002');
  globalThis.fetch = async () => Promise.reject(new TypeError('unreachable'));
  for (let song = 0; song < 60; song += 1) played.note('demo', `song ${song}`);
  await played.load('demo');
  assert.equal(texts(played).length, 50);
  assert.equal(texts(played)[0], 'song 59');
});
