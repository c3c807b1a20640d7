/**
 * The dial: a tuning scale whose ticks swell with the music.
 *
 * Does:       draw the spectrum as ticks around a middle line; tell the level as a meter.
 * Never:      draws while nobody can see it; moves much for somebody who asked for less motion.
 */
import { FLOOR_DB } from './tap.js';

const PITCH = 7;
const FRAME_MS = 33;
const CALM_FRAME_MS = 500;
const TOLD_MS = 250;
const FALL = 0.16;

export class Dial {
  #bands = new Float32Array(1);
  #shown = new Float32Array(1);
  #colours = { tick: '#888', lamp: '#fa0' };
  #drawnAt = 0;
  #toldAt = 0;
  #still = false;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import('./tap.js').Tap} tap
   * @param {() => boolean} live whether what the tap hears is what this dial is about
   */
  constructor(canvas, tap, live) {
    this.canvas = canvas;
    this.tap = tap;
    this.live = live;
    this.calm = matchMedia('(prefers-reduced-motion: reduce)');
    new ResizeObserver(() => this.#fit()).observe(canvas);
    addEventListener('themechange', () => this.#fit());
    this.#fit();
    requestAnimationFrame((now) => this.#frame(now));
  }

  /** @param {number} now milliseconds */
  #frame(now) {
    requestAnimationFrame((then) => this.#frame(then));
    if (now - this.#drawnAt < (this.calm.matches ? CALM_FRAME_MS : FRAME_MS)) return;
    if (this.canvas.offsetParent === null) return;
    this.#drawnAt = now;
    const live = this.live();
    if (live) this.tap.bands(this.#bands);
    else this.#bands.fill(0);
    if (!live && this.#still) return;
    this.#still = !this.#move() && !live;
    this.#draw();
    if (now - this.#toldAt > TOLD_MS) this.#tell(live, now);
  }

  /** Rise at once, fall slowly. Returns whether anything moved. */
  #move() {
    let moved = false;
    for (let tick = 0; tick < this.#shown.length; tick += 1) {
      const before = this.#shown[tick];
      const aim = this.#bands[tick];
      const after = aim > before ? before + 0.6 * (aim - before) : before + FALL * (aim - before);
      this.#shown[tick] = after < 0.004 ? 0 : after;
      moved ||= this.#shown[tick] !== before;
    }
    return moved;
  }

  #draw() {
    const pen = this.canvas.getContext('2d');
    if (!pen) return;
    const { width, height } = this.canvas;
    const scale = devicePixelRatio;
    const thick = Math.max(1, Math.round(2 * scale));
    pen.clearRect(0, 0, width, height);
    for (let tick = 0; tick < this.#shown.length; tick += 1) {
      const glow = this.#shown[tick];
      const rest = (tick % 10 === 0 ? 15 : tick % 5 === 0 ? 10 : 5) * scale;
      const tall = rest + glow * (height - rest);
      const x = Math.round((tick + 0.5) * PITCH * scale);
      pen.globalAlpha = 1;
      pen.fillStyle = this.#colours.tick;
      pen.fillRect(x, Math.round((height - rest) / 2), thick, Math.round(rest));
      if (glow === 0) continue;
      pen.globalAlpha = 0.35 + 0.65 * glow;
      pen.fillStyle = this.#colours.lamp;
      pen.fillRect(x, Math.round((height - tall) / 2), thick, Math.round(tall));
    }
  }

  /**
   * @param {boolean} live
   * @param {number} now
   */
  #tell(live, now) {
    this.#toldAt = now;
    const level = Math.round(live ? this.tap.level() : FLOOR_DB);
    this.canvas.setAttribute('aria-valuenow', String(level));
    this.canvas.setAttribute('aria-valuetext', level > FLOOR_DB ? `${level} decibels` : 'silent');
  }

  #fit() {
    const box = this.canvas.getBoundingClientRect();
    if (box.width === 0) return;
    this.canvas.width = Math.round(box.width * devicePixelRatio);
    this.canvas.height = Math.round(box.height * devicePixelRatio);
    const ticks = Math.max(1, Math.floor(box.width / PITCH));
    this.#bands = new Float32Array(ticks);
    this.#shown = new Float32Array(ticks);
    const style = getComputedStyle(this.canvas);
    this.#colours = { tick: style.borderTopColor, lamp: style.color };
    this.#still = false;
    this.#draw();
  }
}
