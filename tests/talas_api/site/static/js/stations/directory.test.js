import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { atFirst, Directory } from '#page/stations/directory.js';

const LISTED = ['alpha', 'demo'].map((slug) => ({ slug, name: slug, room: `room-${slug}`, renditions: [] }));
const STATUS = { icestats: { source: { listenurl: 'http://x:3002/demo.mp3', title: 'A - B', listeners: 3 } } };
const settle = () => new Promise((resolve) => setImmediate(resolve));

let asked;
let questions;
let list;
let status;
let directory;

/** An answer that comes when the test says so. */
function later() {
  const answer = {};
  answer.promise = new Promise((resolve, reject) => Object.assign(answer, { resolve, reject }));
  return answer;
}

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_900_000_000_000 });
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
  globalThis.addEventListener ??= () => undefined;
  asked = 0;
  list = later();
  status = later();
  questions = 0;
  globalThis.fetch = async () => {
    questions += 1;
    return { json: () => status.promise };
  };
  directory = new Directory(async () => {
    asked += 1;
    return { data: await list.promise, meta: null };
  }, 'http://x:3002');
  directory.start();
});
afterEach(() => mock.timers.reset());

for (const order of ['the list first', 'the status first']) {
  test(`nothing is chosen before both are there (${order}), and the list is asked for once`, async () => {
    const answers = [() => list.resolve(LISTED), () => status.resolve(STATUS)];
    if (order === 'the status first') answers.reverse();
    answers[0]();
    await settle();
    assert.equal(directory.settled.value, false);
    answers[1]();
    await settle();
    assert.equal(directory.settled.value, true);
    assert.equal(atFirst(directory, ''), 'demo');
    mock.timers.tick(0);
    await settle();
    assert.equal(asked, 1);
  });
}

test('the station of the last visit comes first, if it is still there', async () => {
  list.resolve(LISTED);
  status.resolve(STATUS);
  await settle();
  assert.equal(atFirst(directory, 'alpha'), 'alpha');
  assert.equal(atFirst(directory, 'deleted'), 'demo');
});

test('without the stream the stations are there, and none is called off the air', async () => {
  list.resolve(LISTED);
  status.reject(new Error('unreachable'));
  await settle();
  assert.deepEqual([directory.listing.value, directory.airing.value], ['good', 'unreachable']);
  assert.equal(directory.settled.value, true);
});

test('without the list nobody knows which stations are lacking', async () => {
  list.reject(new Error('unreachable'));
  status.resolve(STATUS);
  await settle();
  assert.deepEqual([directory.listing.value, directory.settled.value], ['unreachable', false]);
  assert.equal(directory.lacks('nosuch'), false);
  list = later();
  list.resolve(LISTED);
  mock.timers.tick(61_000);
  await settle();
  assert.deepEqual([directory.lacks('nosuch'), directory.lacks('demo')], [true, false]);
});

test('a station that fell silent is looked for in a fresh list', async () => {
  list.resolve(LISTED);
  status.resolve(STATUS);
  await settle();
  mock.timers.tick(15_000);
  await settle();
  directory.check();
  list = later();
  list.resolve(LISTED.slice(0, 1));
  mock.timers.tick(5000);
  await settle();
  assert.equal(directory.lacks('demo'), true);
});

test('while events tell, the question is asked seldom, and its answer undoes none of them', async () => {
  list.resolve(LISTED);
  status.resolve(STATUS);
  await settle();
  const told = (text, on_air = true) => directory.heard('demo', { on_air, text, started_at: null, listeners: 4 });
  told('C - D');
  assert.deepEqual([directory.find('demo').air.title, directory.find('demo').air.listeners], ['C - D', 4]);
  directory.status.now();
  await settle();
  assert.equal(directory.find('demo').air.title, 'C - D');
  told('', false);
  directory.status.now();
  await settle();
  assert.equal(directory.find('demo').air, null);
  directory.unheard('demo');
  await settle();
  assert.equal(directory.find('demo').air.title, 'A - B');
});

test('the stream is asked every few seconds, and twice a minute while events tell', async () => {
  list.resolve(LISTED);
  status.resolve(STATUS);
  await settle();
  assert.equal(questions, 1);
  mock.timers.tick(4000);
  await settle();
  assert.equal(questions, 2);
  directory.heard('demo', { on_air: true, text: '', started_at: null, listeners: 0 });
  mock.timers.tick(4000);
  await settle();
  assert.equal(questions, 3);
  mock.timers.tick(29_000);
  await settle();
  assert.equal(questions, 3);
  mock.timers.tick(1000);
  await settle();
  assert.equal(questions, 4);
});
