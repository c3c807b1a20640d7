import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { GuestReading } from '#page/chat/guest.js';

const STATION = { slug: 'demo', room: 'room-demo' };
const settle = () => new Promise((resolve) => setImmediate(resolve));
let asked;
let shown;
let session;
let visible;
let guest;

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
  globalThis.addEventListener ??= () => undefined;
  asked = [];
  shown = [];
  visible = true;
  session = {
    account: { value: null },
    call: async (method, path) => {
      asked.push(path);
      return { data: ['a message'], meta: { next: 7 } };
    },
  };
  guest = new GuestReading({ rooms: { glimpse: (room, page) => shown.push([room, page]) }, session, visible: () => visible });
});
afterEach(() => mock.timers.reset());

test('a guest reads the newest at once and again a while later', async () => {
  guest.follow(STATION);
  await settle();
  mock.timers.tick(0);
  await settle();
  assert.deepEqual(shown[0], ['room-demo', { messages: ['a message'], next: 7 }]);
  const before = asked.length;
  mock.timers.tick(10_000);
  await settle();
  assert.deepEqual(asked.slice(before), ['/api/stations/demo/messages?limit=50']);
});

test('nobody asks who is signed in, who follows no station, or who does not see the chat', async () => {
  session.account.value = { id: 'ada' };
  guest.follow(STATION);
  session.account.value = null;
  visible = false;
  guest.now();
  visible = true;
  guest.follow(undefined);
  mock.timers.tick(10_000);
  await settle();
  assert.deepEqual([asked, shown], [[], []]);
});
