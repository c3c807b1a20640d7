import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { ApiError } from '#page/account/api.js';
import { Session } from '#page/account/session.js';
import { Vault } from '#page/account/vault.js';

const ADA = { id: '1', username: 'ada', email: 'ada@example.org', display_name: 'ada' };

const storage = (kept) => ({
  get: (key) => kept.get(key) ?? '',
  set: (key, text) => (text ? kept.set(key, text) : kept.delete(key)),
});

/** A browser's storage, its locks, and an API that exchanges the last refresh token, repeats the
 * answer for the one before, and loses the next `lost` answers. */
class World {
  kept = new Map();
  calls = [];
  current = 'r0';
  count = 0;
  down = false;
  lost = 0;
  #queue = Promise.resolve();

  locks = {
    request: (_name, work) => {
      const turn = this.#queue.then(work);
      this.#queue = turn.catch(() => null);
      return turn;
    },
  };

  call = async (method, path, { body, token } = {}) => {
    this.calls.push(path);
    await null;
    if (this.down) throw new ApiError(0, { code: 'unreachable' });
    if (path === '/api/auth/login') return this.#grant();
    if (path === '/api/auth/refresh') {
      const before = `r${this.count - 1}`;
      if (![this.current, before].includes(body.refresh_token)) throw new ApiError(401, { code: 'unauthorized' });
      const answer = body.refresh_token === before ? this.#answer() : this.#grant();
      this.lost -= 1;
      if (this.lost >= 0) throw new ApiError(0, { code: 'unreachable' });
      return answer;
    }
    if (path === '/api/thing' && token !== `a${this.count}`) throw new ApiError(401, { code: 'unauthorized' });
    return { data: `${method} with ${token}`, meta: null };
  };

  tab(now = () => 0) {
    return new Session(this.call, new Vault(storage(this.kept), this.locks), now);
  }

  #grant() {
    this.count += 1;
    this.current = `r${this.count}`;
    return this.#answer();
  }

  #answer() {
    return { data: { access_token: `a${this.count}`, refresh_token: this.current, expires_in: 900, user: ADA } };
  }
}

const IN = { email: ADA.email, password: 'x' };
const refreshes = (world) => world.calls.filter((path) => path === '/api/auth/refresh').length;

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

test('a sign-in gives a token and leaves only the refresh token to other tabs', async () => {
  const world = new World();
  const session = world.tab();
  await session.signIn(IN);
  assert.equal(await session.token(), 'a1');
  assert.deepEqual(session.account.value, ADA);
  assert.deepEqual([...world.kept.values()], ['r1']);
  assert.equal(refreshes(world), 0);
});

test('a reload exchanges the refresh token', async () => {
  const world = new World();
  await world.tab().signIn(IN);
  for (const token of ['a2', 'a3']) {
    const again = world.tab();
    again.start();
    assert.equal(await again.token(), token);
    assert.deepEqual(again.account.value, ADA);
  }
  assert.deepEqual([...world.kept.values()], ['r3']);
});

test('a reload in the middle of an exchange signs nobody out', async () => {
  const world = new World();
  await world.tab().signIn(IN);
  world.lost = 3;
  for (const _ of [1, 2, 3]) {
    const cut = world.tab();
    cut.start();
    await assert.rejects(cut.token(), { code: 'unreachable' });
  }
  const again = world.tab();
  again.start();
  assert.equal(await again.token(), 'a2');
  assert.equal(world.kept.get('talas.session'), 'r2');
});

test('after a sign-out elsewhere a reload finds nobody', async () => {
  const world = new World();
  await world.tab().signIn(IN);
  world.kept.clear();
  const again = world.tab();
  again.start();
  assert.equal(again.account.value, null);
});

test('without locks two tabs get the same answer', async () => {
  const world = new World();
  world.locks = undefined;
  await world.tab().signIn(IN);
  const tabs = [world.tab(), world.tab()];
  assert.deepEqual(await Promise.all(tabs.map((tab) => tab.token())), ['a2', 'a2']);
  assert.equal(world.kept.get('talas.session'), 'r2');
});

test('many who ask at once cause one exchange', async () => {
  const world = new World();
  let now = 0;
  const session = world.tab(() => now);
  await session.signIn(IN);
  now = 890_000;
  const tokens = await Promise.all([session.token(), session.token(), session.token()]);
  assert.deepEqual(tokens, ['a2', 'a2', 'a2']);
  assert.equal(refreshes(world), 1);
});

test('two tabs never show the same refresh token', async () => {
  const world = new World();
  const first = world.tab();
  await first.signIn(IN);
  const second = world.tab();
  second.start();
  first.doubt();
  const tokens = await Promise.all([first.token(), second.token()]);
  assert.deepEqual([...tokens].sort(), ['a2', 'a3']);
  assert.equal(world.kept.get('talas.session'), 'r3');
  assert.deepEqual(second.account.value, ADA);
});

test('a refresh token that is void signs out', async () => {
  const world = new World();
  world.kept.set('talas.session', 'stolen');
  const session = world.tab();
  session.start();
  assert.equal(await session.token(), '');
  assert.equal(session.account.value, null);
  assert.equal(world.kept.size, 0);
});

test('a network that is down signs nobody out, and is tried again', async () => {
  const world = new World();
  world.kept.set('talas.session', 'r0');
  world.down = true;
  const session = world.tab();
  session.start();
  await assert.rejects(session.token(), { code: 'unreachable' });
  assert.equal(world.kept.get('talas.session'), 'r0');
  assert.equal(session.account.value, undefined);
  world.down = false;
  mock.timers.tick(20_000);
  assert.equal(await session.token(), 'a1');
  assert.deepEqual(session.account.value, ADA);
});

test('the token is exchanged before it ends', async () => {
  const world = new World();
  const session = world.tab();
  await session.signIn(IN);
  mock.timers.tick(850_000);
  assert.equal(await session.token(), 'a2');
  assert.equal(session.fresh.value, 'a2');
});

test('a request that is refused is made once more with a fresh token', async () => {
  const world = new World();
  const session = world.tab();
  await session.signIn(IN);
  world.count = 7;
  const { data } = await session.request('GET', '/api/thing');
  assert.equal(data, 'GET with a8');
  assert.equal(refreshes(world), 1);
});

test('a sign-out forgets here even if the server cannot be told', async () => {
  const world = new World();
  const session = world.tab();
  await session.signIn(IN);
  world.down = true;
  await session.signOut();
  assert.equal(session.account.value, null);
  assert.equal(session.fresh.value, '');
  assert.equal(world.kept.size, 0);
});

test('nobody signed in is known at once', () => {
  const session = new World().tab();
  session.start();
  assert.equal(session.account.value, null);
});
