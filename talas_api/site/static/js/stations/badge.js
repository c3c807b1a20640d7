/**
 * A station's mark: the ticks of a dial, in a pattern and colour made of its slug.
 *
 * Guarantees: the same slug looks the same on every page and every visit.
 */
import { h } from '../kit/dom.js';
import { fingerprint } from '../kit/words.js';

const SVG = 'http://www.w3.org/2000/svg';
const TICKS = 7;
const HEIGHTS = [4, 8, 13, 19];
const TONES = 6;

/**
 * @param {string} slug
 * @returns {HTMLElement}
 */
export function badge(slug) {
  const print = fingerprint(slug);
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 32 32');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ticks(print));
  svg.append(path);
  return h('span', { class: 'badge', 'aria-hidden': 'true', data: { tone: print % TONES } }, svg);
}

/**
 * Ticks around a middle line, each as tall as two bits of the number say.
 *
 * @param {number} print
 */
function ticks(print) {
  let path = '';
  for (let tick = 0; tick < TICKS; tick += 1) {
    const height = HEIGHTS[(print >>> (4 + 3 * tick)) % HEIGHTS.length];
    path += `M${5.5 + 3.5 * tick} ${16 - height / 2}v${height}`;
  }
  return path;
}
