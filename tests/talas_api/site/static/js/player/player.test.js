import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { Signal } from '#page/kit/signal.js';
import { Player } from '#page/player/player.js';

class Audio extends EventTarget {
  currentTime = 0;
  #attributes = new Map();

  set src(address) {
    this.#attributes.set('src', address);
  }

  canPlayType() {
    return 'probably';
  }

  hasAttribute(/** @type {string} */ name) {
    return this.#attributes.has(name);
  }

  removeAttribute(/** @type {string} */ name) {
    this.#attributes.delete(name);
  }

  load() {}

  async play() {}
}

/** A directory that lists one station, and counts how often it was asked what is on the air. */
class Directory {
  asked = 0;
  airing = new Signal('good');
  stations = new Signal(/** @type {any[]} */ ([]));
  status = { now: () => (this.asked += 1) };

  constructor(/** @type {object | null} */ air) {
    this.tell(air);
  }

  tell(/** @type {object | null} */ air) {
    this.stations.value = [{ slug: 'live', renditions: ['mp3'], air }];
  }

  find() {
    return this.stations.value[0];
  }

  lacks() {
    return false;
  }

  check() {}
}

/** @returns {{audio: any, directory: Directory, player: Player}} */
function playing(/** @type {object | null} */ air) {
  const audio = /** @type {any} */ (new Audio());
  const directory = new Directory(air);
  const player = new Player(audio, /** @type {any} */ (directory), 'http://stream');
  player.play('live');
  audio.dispatchEvent(new Event('playing'));
  return { audio, directory, player };
}

beforeEach(() => {
  mock.restoreAll();
  mock.timers.reset();
  mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
});

test('a station on the air that is played is live', () => {
  const { directory, player } = playing({ title: '' });
  assert.equal(player.state.value, 'playing');
  assert.equal(directory.asked, 0);
});

test('a station whose source has gone is waited for, also by who begins to listen only then', () => {
  const { directory, player } = playing(null);
  assert.equal(player.state.value, 'held');
  assert.equal(directory.asked, 1);
  directory.tell({ title: '' });
  assert.equal(player.state.value, 'playing');
});

test('a source that goes while the sound stalls is waited for once silence comes', () => {
  const { audio, directory, player } = playing({ title: '' });
  mock.method(performance, 'now', () => 1e9);
  mock.timers.tick(500);
  assert.equal(player.state.value, 'stalled');
  directory.tell(null);
  audio.currentTime = 1;
  mock.timers.tick(500);
  assert.equal(player.state.value, 'held');
});

test('a connection that dies in the silence is given up', () => {
  const { audio, player } = playing(null);
  audio.currentTime = 1;
  mock.timers.tick(500);
  assert.equal(player.state.value, 'held');
  mock.method(performance, 'now', () => 1e9);
  mock.timers.tick(500);
  assert.equal(player.state.value, 'offair');
});
