/**
 * How loud.
 *
 * Does:       keep a volume and a mute for the next visit; drive the element by them.
 * Guarantees: the ear hears even steps: loudness goes with the square of the slider.
 */
import { Signal } from '../kit/signal.js';

const KEY = 'talas.volume';
const MUTED_KEY = 'talas.muted';
const AT_FIRST = 80;

export class Volume {
  /**
   * @param {HTMLAudioElement} audio
   * @param {import('../kit/storage.js').Storage} storage
   */
  constructor(audio, storage) {
    /** Percent, 0 to 100. */
    this.percent = new Signal(percentOf(storage.get(KEY)));
    this.muted = new Signal(storage.get(MUTED_KEY) === 'yes');
    const apply = () => {
      audio.volume = (this.percent.value / 100) ** 2;
      audio.muted = this.muted.value;
    };
    this.percent.subscribe(apply);
    this.muted.subscribe(apply);
    this.percent.subscribe((percent) => storage.set(KEY, String(percent)));
    this.muted.subscribe((muted) => storage.set(MUTED_KEY, muted ? 'yes' : ''));
  }

  /** @param {number} percent */
  set(percent) {
    this.percent.value = Math.min(100, Math.max(0, Math.round(percent)));
    if (this.percent.value > 0) this.muted.value = false;
  }
}

/** @param {string} text */
function percentOf(text) {
  const percent = Number(text);
  return text !== '' && percent >= 0 && percent <= 100 ? percent : AT_FIRST;
}
