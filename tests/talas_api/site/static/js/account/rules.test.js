import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOfEmail, faultsOfSignIn, faultsOfSignUp } from '#page/account/rules.js';

const PERSON = { username: 'ada', email: 'ada@example.org', password: 'eight ch' };

test('a good sign-up has no fault', () => {
  assert.deepEqual(faultsOfSignUp(PERSON), {});
  assert.deepEqual(faultsOfSignUp({ ...PERSON, password: '\u{1f511}'.repeat(8) }), {});
});

test('each field is judged by itself', () => {
  const faults = faultsOfSignUp({ username: 'a b', email: 'ada', password: 'short' });
  assert.deepEqual(Object.keys(faults), ['username', 'email', 'password']);
});

test('another address must be one, and takes the password', () => {
  assert.deepEqual(faultsOfEmail({ email: 'ada@new.example', password: 'y' }), {});
  assert.deepEqual(Object.keys(faultsOfEmail({ email: 'ada', password: '' })), ['email', 'password']);
});

test('a sign-in only needs both fields', () => {
  assert.deepEqual(faultsOfSignIn({ email: 'x', password: 'y' }), {});
  assert.deepEqual(Object.keys(faultsOfSignIn({ email: '', password: '' })), ['email', 'password']);
});
