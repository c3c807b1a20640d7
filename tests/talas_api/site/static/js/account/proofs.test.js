import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proofIn } from '#page/account/proofs.js';

const TOKEN = 'abcDEF123_-abcDEF123_-abcDEF123_';

test('mailed links carry what they are for and a token', () => {
  assert.deepEqual(proofIn(`#reset/${TOKEN}`), { purpose: 'reset', token: TOKEN });
  assert.deepEqual(proofIn(`#email/${TOKEN}`), { purpose: 'email', token: TOKEN });
  assert.deepEqual(proofIn(`#verify/${TOKEN}`), { purpose: 'verify', token: TOKEN });
});

test('other addresses are none', () => {
  for (const hash of ['', '#', '#/', '#/demo', '#reset', '#reset/', '#reset/short', `#login/${TOKEN}`,
    `#reset/${TOKEN}/x`, `#reset/${TOKEN}%3C`, `reset/${TOKEN}`]) {
    assert.equal(proofIn(hash), null);
  }
});
