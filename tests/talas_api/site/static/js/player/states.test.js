import assert from 'node:assert/strict';
import { test } from 'node:test';
import { next, told, wanted } from '#page/player/states.js';

const STATES = ['idle', 'connecting', 'playing', 'stalled', 'held', 'waiting', 'offair', 'blocked', 'gone'];
const HAPPENINGS = ['play', 'stop', 'sound', 'stall', 'lost', 'silent', 'quiet', 'again', 'retry', 'back', 'refused', 'deleted'];

test('a listener who wants sound gets through a bad day', () => {
  let state = 'idle';
  for (const [happening, then] of [
    ['play', 'connecting'], ['sound', 'playing'], ['stall', 'stalled'], ['sound', 'playing'],
    ['quiet', 'held'], ['again', 'playing'],
    ['lost', 'waiting'], ['retry', 'connecting'], ['silent', 'offair'], ['back', 'connecting'],
    ['refused', 'blocked'], ['play', 'connecting'], ['stop', 'idle'],
  ]) {
    state = next(state, happening);
    assert.equal(state, then, happening);
  }
});

test('from everywhere one can play, and stop what is wanted', () => {
  for (const state of STATES) {
    assert.equal(next(state, 'play'), 'connecting');
    if (wanted(state)) assert.equal(next(state, 'stop'), 'idle');
  }
});

test('late events of a connection that was given up change nothing', () => {
  for (const late of ['sound', 'stall', 'lost', 'silent', 'quiet', 'again', 'retry', 'back', 'refused', 'deleted']) assert.equal(next('idle', late), null);
  assert.equal(next('waiting', 'sound'), null);
  assert.equal(next('offair', 'lost'), null);
  assert.equal(next('held', 'sound'), null);
});

test('every state that is reached has its words', () => {
  for (const state of STATES) {
    for (const happening of HAPPENINGS) {
      const then = next(state, happening);
      assert.ok(then === null || STATES.includes(then));
    }
    assert.equal(told(state) === '', state === 'idle');
  }
});

test('a station that was deleted is not waited for', () => {
  for (const state of ['connecting', 'playing', 'stalled', 'held', 'waiting', 'offair']) assert.equal(next(state, 'deleted'), 'gone');
  assert.equal(wanted('gone'), false);
  assert.equal(next('gone', 'back'), null);
});
