/**
 * New messages for those who listen to the page rather than look at it.
 *
 * Does:       put them into a polite live region, a few at a time.
 * Guarantees: a busy room is summed up, not read out line by line.
 */
import { h } from '../kit/dom.js';

const GATHER_MS = 1200;
const READ_OUT = 2;
const KEPT = 6;

/** @param {HTMLElement} region */
export function announcer(region) {
  /** @type {import('./timeline.js').Message[]} */
  let waiting = [];
  let count = 0;
  let timer = 0;
  const speak = () => {
    const lines = count > READ_OUT
      ? [`${count} new messages`]
      : waiting.map(({ sender, text }) => `${sender?.username ?? 'Somebody'}: ${text}`);
    region.append(...lines.map((line) => h('p', {}, line)));
    while (region.childElementCount > KEPT) region.firstElementChild?.remove();
    waiting = [];
    count = 0;
    timer = 0;
  };
  return (/** @type {import('./timeline.js').Message} */ message) => {
    count += 1;
    // A hidden tab's clock stands nearly still: no more is kept than is read out.
    if (count <= READ_OUT) waiting.push(message);
    timer ||= setTimeout(speak, GATHER_MS);
  };
}
