import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playable } from '#page/player/formats.js';

const names = (answer, offered) => playable(answer, offered).map((format) => format.rendition);

test('the best comes first', () => {
  assert.deepEqual(names(() => 'probably'), ['opus', 'aac', 'mp3']);
});

test('what a browser does not play is left out', () => {
  assert.deepEqual(names((type) => (type.includes('ogg') ? '' : 'maybe')), ['aac', 'mp3']);
});

test('a browser that admits nothing is tried with MP3', () => {
  assert.deepEqual(names(() => ''), ['mp3']);
});

test('only what the station is offered in is tried', () => {
  assert.deepEqual(names(() => 'maybe', ['flac', '32.opus']), ['flac', '32.opus']);
  assert.deepEqual(names(() => '', ['flac']), ['flac']);
});

test('what somebody chose comes first where it is offered', () => {
  const all = () => 'maybe';
  const names = (offered, preferred) => playable(all, offered, preferred).map((one) => one.rendition);
  assert.deepEqual(names(['mp3', 'opus', 'flac'], 'flac'), ['flac', 'opus', 'mp3']);
  assert.deepEqual(names(['mp3', 'opus'], 'flac'), ['opus', 'mp3']);
});
