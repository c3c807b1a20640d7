import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Vault } from '#page/account/vault.js';

function storage() {
  const kept = new Map();
  return {
    kept,
    get: (key) => kept.get(key) ?? '',
    set: (key, text) => (text ? kept.set(key, text) : kept.delete(key)),
  };
}

test('all tabs see one token', () => {
  const shared = storage();
  const [one, two] = [new Vault(shared, undefined), new Vault(shared, undefined)];
  one.token = 'r1';
  assert.equal(two.token, 'r1');
  two.token = '';
  assert.equal(one.token, '');
  assert.equal(shared.kept.size, 0);
});

test('with Web Locks the browser says whose turn it is', async () => {
  const asked = [];
  const locks = {
    request: (name, work) => {
      asked.push(name);
      return work();
    },
  };
  assert.equal(await new Vault(storage(), locks).exclusively(async () => 'mine'), 'mine');
  assert.deepEqual(asked, ['talas.session']);
});

test('without Web Locks work is done at once', async () => {
  assert.equal(await new Vault(storage(), undefined).exclusively(async () => 'mine'), 'mine');
});
