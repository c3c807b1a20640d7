import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encoders, NO_KEY, target } from '#page/broadcast/encoders.js';

const NIGHT = { slug: 'night', name: 'Night' };
const of = (all, id) => all.find((encoder) => encoder.id === id);

test('the ffmpeg line can be pasted', () => {
  const all = encoders(target('http://127.0.0.1:3002', NIGHT, 'k'.repeat(32)));
  assert.equal(
    of(all, 'ffmpeg').steps[0].code,
    `ffmpeg -re -i FILE.mp3 -vn -c:a libmp3lame -b:a 192k -content_type audio/mpeg -f mp3 icecast://source:${'k'.repeat(32)}@127.0.0.1:3002/night`,
  );
});

test('every encoder gets host, port, mount, user and password', () => {
  for (const { steps } of encoders(target('http://radio.example:3002', NIGHT, 'thekey'))) {
    const text = JSON.stringify(steps);
    for (const part of ['radio.example', '3002', 'night', 'source', 'thekey']) assert.ok(text.includes(part), part);
  }
});

test('without the key its place is named', () => {
  assert.equal(target('http://127.0.0.1:3002', NIGHT, '').key, NO_KEY);
});

test('over TLS the port is the usual one and every encoder is told', () => {
  const to = target('https://audio.example', NIGHT, 'key');
  assert.deepEqual([to.port, to.tls], ['443', true]);
  assert.ok(of(encoders(to), 'ffmpeg').steps.every((step) => step.code.includes(' -tls 1 ')));
  for (const id of ['butt', 'mixxx']) assert.ok(of(encoders(to), id).steps[0].rows.some(([, value]) => value === 'on'));
  assert.ok(of(encoders(to), 'liquidsoap').steps[0].code.includes('ssl'));
});

test('a name cannot break out of a Liquidsoap string', () => {
  const to = target('http://127.0.0.1:3002', { slug: 'night', name: 'a"\\#{b}' }, 'key');
  assert.ok(of(encoders(to), 'liquidsoap').steps[0].code.includes('name="a\\"\\\\\\#{b}"'));
});
