import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted, dayName, documentTitle, fingerprint, ownLink, splitTitle, unturned } from '#page/kit/words.js';

test('a line with a separator is an artist and a title', () => {
  assert.deepEqual(splitTitle('Ada - Night Bus'), { artist: 'Ada', title: 'Night Bus' });
  assert.deepEqual(splitTitle('  Ada \u2014  Night \n Bus '), { artist: 'Ada', title: 'Night Bus' });
  assert.deepEqual(splitTitle('A - B - C'), { artist: 'A', title: 'B - C' });
});

test('a line without one is a title', () => {
  for (const line of ['Night-Bus', '- Night', 'Night -', 'Night']) {
    assert.deepEqual(splitTitle(line), { artist: '', title: line });
  }
  for (const nothing of [null, undefined, '', ' ']) assert.equal(splitTitle(nothing).title, '');
});

test('a title from outside turns no text beside it', () => {
  const turning = '\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069';
  assert.deepEqual(splitTitle(`\u202eAda - ${turning}Night\u2069 Bus`), { artist: 'Ada', title: 'Night Bus' });
  assert.equal(unturned('\u05d0\u200f! \u061c1'), '\u05d0\u200f! \u061c1');
});

test('the tab says the song while it plays, and how much one missed', () => {
  const facts = { playing: true, song: 'Ada', station: 'Demo', unread: 0 };
  assert.equal(documentTitle(facts), 'Ada \u00b7 Demo \u00b7 Talas');
  assert.equal(documentTitle({ ...facts, playing: false, unread: 3 }), '(3) Demo \u00b7 Talas');
  assert.equal(documentTitle({ ...facts, song: '', unread: 120 }), '(99+) Demo \u00b7 Talas');
  assert.equal(documentTitle({ playing: false, song: '', station: '', unread: 0 }), 'Talas');
});

test('counts have their noun', () => {
  assert.equal(counted(1, 'listener', 'listeners'), '1 listener');
  assert.equal(counted(0, 'listener', 'listeners'), '0 listeners');
});

test('days are named from midnight to midnight', () => {
  const now = new Date(2030, 0, 2, 0, 30);
  assert.equal(dayName(new Date(2030, 0, 2, 23, 0), now), 'Today');
  assert.equal(dayName(new Date(2030, 0, 1, 23, 59), now), 'Yesterday');
  assert.match(dayName(new Date(2029, 11, 31), now), /31/);
});

test('a fingerprint depends on the whole text', () => {
  assert.equal(fingerprint('demo'), fingerprint('demo'));
  assert.notEqual(fingerprint('demo'), fingerprint('demp'));
});

test('the address of a station is whole, wherever the page lies', () => {
  assert.equal(ownLink({ origin: 'https://radio.example', pathname: '/' }, 'night'), 'https://radio.example/#/night');
  assert.equal(ownLink({ origin: 'http://127.0.0.1:8080', pathname: '/a/' }, 'b'), 'http://127.0.0.1:8080/a/#/b');
});
