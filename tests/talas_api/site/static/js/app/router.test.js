import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '#page/app/router.js';

const at = (view, panel, slug = '', fresh = false) => ({ view, panel, slug, fresh });

test('addresses name parts of the page', () => {
  for (const home of ['', '#', '#/']) assert.deepEqual(parse(home), at('listen', 'now'));
  assert.deepEqual(parse('#/demo'), at('listen', 'now', 'demo'));
  assert.deepEqual(parse('#/demo/chat'), at('listen', 'chat', 'demo'));
  assert.deepEqual(parse('#stations'), at('listen', 'stations'));
  assert.deepEqual(parse('#broadcast'), at('broadcast', 'now'));
  assert.deepEqual(parse('#broadcast/demo'), at('broadcast', 'now', 'demo'));
  assert.deepEqual(parse('#broadcast/+'), at('broadcast', 'now', '', true));
});

test('a station may be called what a part of the page is called', () => {
  assert.deepEqual(parse('#/broadcast'), at('listen', 'now', 'broadcast'));
  assert.deepEqual(parse('#/chat/chat'), at('listen', 'chat', 'chat'));
});

test('what nobody made is nothing', () => {
  for (const odd of ['#main', '#/a', '#/Demo', '#/demo/', '#/demo/talk', '#broadcast/a--b', '#//x', '#/../x']) {
    assert.equal(parse(odd), null, odd);
  }
});
