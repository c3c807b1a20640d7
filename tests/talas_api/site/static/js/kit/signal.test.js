import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Signal } from '#page/kit/signal.js';

test('a subscriber hears the value, then each change, then nothing', () => {
  const signal = new Signal(1);
  const heard = [];
  const end = signal.subscribe((value) => heard.push(value));
  signal.value = 1;
  signal.value = 2;
  end();
  signal.value = 3;
  assert.deepEqual(heard, [1, 2]);
});

test('one that throws stops no other', () => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error);
  const signal = new Signal(0);
  signal.subscribe((value) => {
    if (value) throw new Error('no');
  });
  const heard = [];
  signal.subscribe((value) => heard.push(value));
  signal.value = 1;
  assert.deepEqual(heard, [0, 1]);
  assert.equal(reported.length, 1);
  delete globalThis.reportError;
});
