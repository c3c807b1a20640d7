import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterRefusal, closeMeaning, closeReason, nonce, read } from '#page/chat/protocol.js';

test('close codes mean what the protocol says, by range', () => {
  for (const code of [1000, 1001, 1006, 1011, 4000, 4001, 4002, 4099]) assert.equal(closeMeaning(code), 'recover', code);
  for (const code of [4100, 4101, 4102, 4199]) assert.equal(closeMeaning(code), 'renew', code);
  for (const code of [4200, 4201, 4202, 4299]) assert.equal(closeMeaning(code), 'leave', code);
});

test('who must stay away is told why', () => {
  for (const code of [4200, 4201, 4202, 4250]) assert.ok(closeReason(code).length > 10);
});

test('only what can be mended by joining is sent again unasked', () => {
  assert.equal(afterRefusal('not_joined'), 'again');
  for (const code of ['bad_input', 'too_many', 'unavailable', 'nonce_reused']) assert.equal(afterRefusal(code), 'fail');
});

test('what is not a frame is nothing', () => {
  for (const odd of ['', 'x', '1', 'null', '[]', '{}', '{"type":1}', new ArrayBuffer(2)]) assert.equal(read(odd), null);
  assert.deepEqual(read('{"type":"pong"}'), { type: 'pong' });
});

test('nonces are 128 random bits', () => {
  assert.match(nonce(), /^[0-9a-f]{32}$/);
  assert.notEqual(nonce(), nonce());
});
