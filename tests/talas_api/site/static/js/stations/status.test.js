import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joined, onAir } from '#page/stations/status.js';

const source = (slug, listeners = 0) => ({
  listenurl: `http://127.0.0.1:3002/${slug}.opus`, title: `A - ${slug}`, listeners, bitrate: 128, genre: 'Jazz',
});
const listed = (slug, name) => ({ id: slug, slug, name, description: '', room: `room-${slug}`, owner: null, created_at: '' });

test('none, one and several sources are read alike', () => {
  assert.equal(onAir({ icestats: {} }).size, 0);
  assert.deepEqual([...onAir({ icestats: { source: source('demo') } }).keys()], ['demo']);
  const two = onAir({ icestats: { source: [source('demo', 2), source('live')] } });
  assert.deepEqual([...two.keys()], ['demo', 'live']);
  assert.deepEqual(two.get('demo'), { title: 'A - demo', listeners: 2, bitrate: 128, genre: 'Jazz' });
});

test('what is not a status is an empty one', () => {
  for (const odd of [null, {}, { icestats: null }, { icestats: { source: [null, {}, { listenurl: 'no' }] } }]) {
    assert.equal(onAir(odd).size, 0);
  }
});

test('stations on the air come first, the busiest at the top, then by name', () => {
  const airs = onAir({ icestats: { source: [source('quiet'), source('busy', 9)] } });
  const all = joined([listed('b', 'Beta'), listed('quiet', 'Quiet'), listed('a', 'alpha'), listed('busy', 'Zed')], airs);
  assert.deepEqual(all.map((station) => station.slug), ['busy', 'quiet', 'a', 'b']);
  assert.equal(all[3].air, null);
});
