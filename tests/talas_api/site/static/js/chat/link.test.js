import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { Link } from '#page/chat/link.js';
import { Signal } from '#page/kit/signal.js';

class Socket extends EventTarget {
  sent = [];
  closed = 0;

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.closed = code;
  }

  opens() {
    this.dispatchEvent(new Event('open'));
  }

  says(frame) {
    this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(frame) }));
  }

  ends(code) {
    this.dispatchEvent(Object.assign(new Event('close'), { code }));
  }
}

class Session {
  fresh = new Signal('t1');
  next = 't1';
  doubts = 0;
  down = false;

  async token() {
    if (this.down) throw new Error('unreachable');
    return this.next;
  }

  doubt() {
    this.doubts += 1;
    this.next = this.after ?? this.next;
  }
}

let sockets;
let session;
let link;
const settle = () => new Promise((resolve) => setImmediate(resolve));
const last = () => sockets[sockets.length - 1];

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  sockets = [];
  session = new Session();
  link = new Link('ws://x/ws', session, () => {
    sockets.push(new Socket());
    return last();
  });
});
afterEach(() => mock.timers.reset());

async function signedIn() {
  link.start();
  await settle();
  last().opens();
  last().says({ type: 'auth.ok', user: {}, ref: 'auth' });
}

async function afterPause() {
  mock.timers.tick(31_000);
  await settle();
}

test('the token is the first frame and never in the address', async () => {
  await signedIn();
  assert.deepEqual(last().sent, [{ type: 'auth', token: 't1', ref: 'auth' }]);
  assert.equal(link.state.value, 'ready');
  assert.equal(link.send({ type: 'ping' }), 1);
  assert.deepEqual(last().sent[1], { type: 'ping', ref: 1 });
});

test('nothing is sent before the sign-in is through', async () => {
  link.start();
  await settle();
  last().opens();
  assert.equal(link.send({ type: 'ping' }), 0);
});

test('a broken socket comes back with the same sign-in', async () => {
  await signedIn();
  for (const code of [1006, 4000, 4001, 4002]) {
    last().ends(code);
    assert.equal(link.state.value, 'waiting');
    const before = sockets.length;
    await afterPause();
    assert.equal(sockets.length, before + 1);
    last().opens();
    last().says({ type: 'auth.ok', ref: 'auth' });
  }
  assert.equal(session.doubts, 0);
});

test('an expired token is exchanged before coming back', async () => {
  await signedIn();
  session.after = 't2';
  last().ends(4101);
  await afterPause();
  last().opens();
  assert.equal(last().sent[0].token, 't2');
});

test('a session that ended leads to no more sockets', async () => {
  await signedIn();
  session.after = '';
  last().ends(4102);
  await afterPause();
  assert.equal(link.state.value, 'off');
  assert.equal(sockets.length, 1);
});

test('who is told not to come back does not', async () => {
  await signedIn();
  last().ends(4200);
  await afterPause();
  assert.equal(link.state.value, 'closed');
  assert.match(link.reason, /cannot use the chat/);
  assert.equal(sockets.length, 1);
});

test('a new token is told to the socket before the old one ends', async () => {
  await signedIn();
  session.fresh.value = 't2';
  assert.deepEqual(last().sent[1], { type: 'auth', token: 't2', ref: 'auth' });
  assert.equal(sockets.length, 1);
});

test('a refused token is exchanged once, then there is a pause', async () => {
  link.start();
  await settle();
  session.after = 't2';
  last().opens();
  last().says({ type: 'error', code: 'unauthorized', ref: 'auth' });
  await settle();
  assert.deepEqual(last().sent.map((frame) => frame.token), ['t1', 't2']);
  last().says({ type: 'error', code: 'unauthorized', ref: 'auth' });
  assert.equal(link.state.value, 'waiting');
  assert.equal(last().closed, 1000);
  await afterPause();
  assert.equal(sockets.length, 2);
});

test('without a network it tries again', async () => {
  session.down = true;
  link.start();
  await settle();
  assert.equal(link.state.value, 'waiting');
  session.down = false;
  await afterPause();
  assert.equal(sockets.length, 1);
});

test('frames of a socket that was given up are not heard', async () => {
  await signedIn();
  const old = last();
  const heard = [];
  link.onframe = (frame) => heard.push(frame.type);
  link.stop();
  old.says({ type: 'message' });
  old.ends(1000);
  await afterPause();
  assert.deepEqual([heard, sockets.length, link.state.value], [[], 1, 'off']);
});

const pings = () => last().sent.filter((frame) => frame.type === 'ping').length;

test('a socket on which no answer comes is given up', async () => {
  await signedIn();
  mock.timers.tick(20_000);
  assert.equal(pings(), 1);
  const dead = last();
  mock.timers.tick(10_000);
  assert.equal(link.state.value, 'waiting');
  assert.equal(dead.closed, 1000);
  await afterPause();
  assert.equal(sockets.length, 2);
});

test('a socket that answers is kept, and asked again', async () => {
  await signedIn();
  for (let beat = 1; beat <= 5; beat += 1) {
    mock.timers.tick(20_000);
    assert.equal(pings(), beat);
    last().says({ type: 'pong', ref: beat });
  }
  assert.deepEqual([link.state.value, sockets.length], ['ready', 1]);
});

test('any frame is an answer', async () => {
  await signedIn();
  mock.timers.tick(25_000);
  last().says({ type: 'message' });
  mock.timers.tick(14_000);
  assert.equal(link.state.value, 'ready');
});

test('with the network back the pause is not sat out', async () => {
  await signedIn();
  last().ends(1006);
  link.hurry();
  await settle();
  assert.equal(sockets.length, 2);
});

test('with the network back the old socket is doubted at once', async () => {
  await signedIn();
  link.hurry();
  assert.equal(pings(), 1);
  mock.timers.tick(3000);
  assert.equal(link.state.value, 'waiting');
});

test('a connection that hangs before the sign-in is through is tried anew', async () => {
  link.start();
  await settle();
  mock.timers.tick(20_000);
  assert.equal(link.state.value, 'waiting');
  await afterPause();
  assert.equal(sockets.length, 2);
  last().opens();
  mock.timers.tick(20_000);
  assert.equal(link.state.value, 'waiting');
});

test('who stopped is asked nothing more', async () => {
  await signedIn();
  link.stop();
  mock.timers.tick(60_000);
  assert.deepEqual([pings(), link.state.value], [0, 'off']);
});
