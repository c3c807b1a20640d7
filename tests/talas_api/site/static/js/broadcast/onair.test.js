import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsOf, setTitle } from '#page/broadcast/onair.js';

test('loudness is told in words that broadcasters know, and unknown as a dash', () => {
  const told = factsOf({ momentary: -16.24, integrated: -14, peak: null, silent_seconds: 0 });
  assert.equal(told, 'Now \u221216.2 LUFS \u00b7 since it came \u221214.0 LUFS \u00b7 peak \u2013');
});

test('a title is set as its owner, and what the stream port says against it is told', async () => {
  let asked;
  const answering = (ok, body) => {
    globalThis.fetch = async (address, { headers }) => {
      asked = [String(address), headers.Authorization];
      return { ok, json: async () => body };
    };
  };
  answering(true);
  await setTitle('http://x:3002', 'token', 'demo', 'Zo\u00eb - 3 & 4');
  assert.deepEqual(asked, ['http://x:3002/admin/metadata?mode=updinfo&mount=%2Fdemo&song=Zo%C3%AB+-+3+%26+4', 'Bearer token']);
  answering(false, { error: { message: 'demo has no source now' } });
  await assert.rejects(setTitle('http://x:3002', 'token', 'demo', 'x'), /no source/u);
  globalThis.fetch = async () => Promise.reject(new TypeError('Failed to fetch'));
  await assert.rejects(setTitle('http://x:3002', 'token', 'demo', 'x'), /does not answer/u);
});
