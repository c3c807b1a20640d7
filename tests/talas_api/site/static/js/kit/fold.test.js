import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLong } from '#page/kit/fold.js';

test('a text of many letters or of many lines folds', () => {
  assert.equal(isLong('a'.repeat(600)), false);
  assert.equal(isLong('a'.repeat(601)), true);
  assert.equal(isLong('\n'.repeat(10)), false);
  assert.equal(isLong('\n'.repeat(3990)), true);
});

test('what is long depends on the place', () => {
  assert.equal(isLong('a'.repeat(181), { letters: 180, lines: 3 }), true);
  assert.equal(isLong('a\nb\nc', { letters: 180, lines: 3 }), false);
});
