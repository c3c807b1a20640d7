import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { Events } from '#page/stations/events.js';

const NOW = { on_air: true, text: 'A - B', started_at: null, listeners: 2 };
let opened;
let told;
let events;

class Source extends EventTarget {
  readyState = 1;
  constructor(address) {
    super();
    this.address = address;
    opened.push(this);
  }
  close() {
    this.readyState = 2;
  }
  tell(kind, now) {
    this.dispatchEvent(Object.assign(new Event(kind), { data: JSON.stringify(now) }));
  }
  fail(readyState) {
    this.readyState = readyState;
    this.dispatchEvent(new Event('error'));
  }
}

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  opened = [];
  told = [];
  events = new Events('http://x:3002', {
    news: (slug, kind, now) => told.push([slug, kind, now.text]),
    lost: (slug) => told.push([slug, 'lost']),
  }, (address) => new Source(address));
});
afterEach(() => mock.timers.reset());

test('a station that is followed has one connection, and tells what comes on it', () => {
  events.follow(['demo']);
  events.follow(['demo']);
  assert.deepEqual(opened.map((one) => one.address), ['http://x:3002/demo/events']);
  opened[0].tell('now', NOW);
  opened[0].tell('title', { ...NOW, text: 'C' });
  assert.deepEqual(told, [['demo', 'now', 'A - B'], ['demo', 'title', 'C']]);
});

test('a station that is followed no more has none', () => {
  events.follow(['demo', 'live']);
  events.follow(['live']);
  assert.deepEqual(opened.map((one) => one.readyState), [2, 1]);
  assert.deepEqual(told, [['demo', 'lost']]);
  events.follow([]);
  assert.equal(opened[1].readyState, 2);
});

test('after a refusal it is tried again later, and not at all once it is left', () => {
  events.follow(['demo']);
  opened[0].fail(2);
  mock.timers.tick(3000);
  assert.equal(opened.length, 2);
  opened[1].fail(2);
  events.follow([]);
  mock.timers.tick(60_000);
  assert.equal(opened.length, 2);
});

test('after a break the browser comes back by itself', () => {
  events.follow(['demo']);
  opened[0].fail(0);
  mock.timers.tick(60_000);
  assert.deepEqual([opened.length, told], [1, [['demo', 'lost']]]);
});
