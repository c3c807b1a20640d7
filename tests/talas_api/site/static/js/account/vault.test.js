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

test('without Web Locks a lease keeps tabs apart', async () => {
  const shared = storage();
  const running = [];
  let most = 0;
  const work = async (name) => {
    running.push(name);
    most = Math.max(most, running.length);
    await new Promise((resolve) => setTimeout(resolve, 20));
    running.splice(running.indexOf(name), 1);
    return name;
  };
  const tabs = ['a', 'b', 'c'].map((name) => new Vault(shared, storage(), undefined).exclusively(() => work(name)));
  assert.deepEqual(await Promise.all(tabs), ['a', 'b', 'c']);
  assert.equal(most, 1);
  assert.equal(shared.kept.size, 0);
});

test('a tab that went away with the lease does not keep it', async () => {
  const shared = storage();
  shared.set('talas.session.lease', `${Date.now() - 1} gone`);
  assert.equal(await new Vault(shared, storage(), undefined).exclusively(async () => 'mine'), 'mine');
});

test('work that fails gives the lease back', async () => {
  const shared = storage();
  const failing = new Vault(shared, storage(), undefined).exclusively(async () => {
    throw new Error('no');
  });
  await assert.rejects(failing, /no/);
  assert.equal(shared.kept.size, 0);
});
