import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOfChange, faultsOfNew, slugFor } from '#page/broadcast/rules.js';

const wish = (more) => ({ slug: 'night', name: 'Night', description: '', ...more });

test('a good wish has no fault', () => {
  for (const slug of ['ab', 'a-b', 'a1-2b', 'a'.repeat(32)]) assert.deepEqual(faultsOfNew(wish({ slug })), {});
});

test('slugs are what the API takes', () => {
  for (const slug of ['', 'a', 'A1', '-ab', 'ab-', 'a--b', 'a_b', 'caf\u00e9', 'a'.repeat(33)]) {
    assert.match(faultsOfNew(wish({ slug })).slug, /^must be 2 to 32/, slug);
  }
  assert.equal(faultsOfNew(wish({ slug: 'admin' })).slug, 'is reserved');
});

test('names and descriptions have their limits, in characters', () => {
  assert.ok(faultsOfChange({ name: '', description: '' }).name);
  assert.deepEqual(faultsOfChange({ name: '\u{1f4fb}'.repeat(80), description: 'x'.repeat(1000) }), {});
  const faults = faultsOfChange({ name: 'x'.repeat(81), description: 'x'.repeat(1001) });
  assert.deepEqual(Object.keys(faults), ['name', 'description']);
});

test('a name proposes a slug', () => {
  assert.equal(slugFor('Caf\u00e9 del Mar!'), 'cafe-del-mar');
  assert.equal(slugFor('  --  '), '');
  assert.equal(slugFor('x'.repeat(50)).length, 32);
});
