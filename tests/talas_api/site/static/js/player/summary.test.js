import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summary } from '#page/player/summary.js';

const AIR = { title: 'Ada - Night Bus', listeners: 1, bitrate: 0, genre: '' };
const GOOD = { there: true, lacking: false, listing: 'good', airing: 'good' };
const song = (air, known) => summary(air, { ...GOOD, ...known }).song;

test('a station on the air has its song to show', () => {
  assert.deepEqual(summary(AIR, GOOD), { label: 'Now playing', song: '' });
});

test('a song without a name is no headline', () => {
  assert.equal(song({ ...AIR, title: ' ' }, {}), 'No title was sent');
});

test('nobody is sending only where somebody said so', () => {
  assert.equal(song(null, {}), 'Nobody is sending right now');
  for (const airing of ['loading', 'unreachable']) {
    for (const air of [null, AIR]) assert.notEqual(song(air, { airing }), 'Nobody is sending right now');
  }
  assert.equal(summary(AIR, { ...GOOD, airing: 'unreachable' }).label, 'No answer from the stream');
});

test('a station is missing only where a list says so', () => {
  const known = { there: false };
  assert.equal(song(null, { ...known, lacking: true }), 'Choose a station');
  assert.equal(song(null, { ...known, listing: 'loading' }), 'Tuning in\u2026');
  assert.match(song(null, { ...known, listing: 'unreachable' }), /does not answer/);
});
