import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Volume } from '#page/player/volume.js';

function kept() {
  const texts = new Map();
  return { get: (key) => texts.get(key) ?? '', set: (key, text) => texts.set(key, text) };
}

test('volume and mute are there again at the next visit', () => {
  const storage = kept();
  const first = new Volume({}, storage);
  first.set(35);
  first.muted.value = true;
  const audio = {};
  const second = new Volume(audio, storage);
  assert.deepEqual([second.percent.value, second.muted.value, audio.muted], [35, true, true]);
  second.muted.value = false;
  assert.equal(new Volume({}, storage).muted.value, false);
});

test('turning it up is a wish to hear something', () => {
  const volume = new Volume({}, kept());
  volume.muted.value = true;
  volume.set(50);
  assert.equal(volume.muted.value, false);
});
