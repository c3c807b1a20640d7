import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '#page/kit/backoff.js';

test('waits double up to the longest, and begin anew after a success', () => {
  const backoff = new Backoff(1, 8, () => 0.999999);
  const waits = [1, 2, 3, 4, 5].map(() => backoff.next());
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 8000]);
  backoff.reset();
  assert.equal(backoff.next(), 1000);
});

test('waits are spread over half of themselves', () => {
  assert.equal(new Backoff(1, 8, () => 0).next(), 500);
  assert.equal(new Backoff(1, 8, () => 0.5).next(), 750);
});
