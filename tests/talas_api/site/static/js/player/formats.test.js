import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playable } from '#page/player/formats.js';

const names = (answer) => playable(answer).map((format) => format.extension);

test('the best comes first', () => {
  assert.deepEqual(names(() => 'probably'), ['opus', 'aac', 'mp3']);
});

test('what a browser does not play is left out', () => {
  assert.deepEqual(names((type) => (type.includes('ogg') ? '' : 'maybe')), ['aac', 'mp3']);
});

test('a browser that admits nothing is tried with MP3', () => {
  assert.deepEqual(names(() => ''), ['mp3']);
});
