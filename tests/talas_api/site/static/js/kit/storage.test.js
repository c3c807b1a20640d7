import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Storage } from '#page/kit/storage.js';

test('without a place, texts are kept in memory', () => {
  const storage = new Storage(() => {
    throw new Error('forbidden');
  });
  assert.equal(storage.get('a'), '');
  storage.set('a', '1');
  assert.equal(storage.get('a'), '1');
});

test('an empty text is forgotten', () => {
  const kept = new Map();
  const place = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, text) => kept.set(key, text),
    removeItem: (key) => kept.delete(key),
  };
  const storage = new Storage(() => place);
  storage.set('a', '1');
  storage.set('a', '');
  assert.equal(kept.size, 0);
});
