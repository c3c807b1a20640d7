/**
 * The encoders' tabs.
 *
 * Guarantees: every command and every value has a button that copies it; tabs go by the arrow keys.
 */
import { copyButton } from '../kit/clipboard.js';
import { h } from '../kit/dom.js';
import { encoders } from './encoders.js';

/**
 * @param {import('./encoders.js').Target} to
 * @returns {HTMLElement}
 */
export function instructions(to) {
  const all = encoders(to);
  const tabs = all.map(({ id, name }, index) => h('button', {
    type: 'button', role: 'tab', class: 'tab', id: `tab-${id}`, 'aria-controls': `how-${id}`,
    on: { click: () => choose(index) },
  }, name));
  const panels = all.map((encoder) => panel(encoder));
  const strip = h('div', { class: 'tab-strip', role: 'tablist', 'aria-label': 'Encoder' }, ...tabs);

  /** @param {number} chosen */
  function choose(chosen) {
    tabs.forEach((tab, index) => {
      tab.setAttribute('aria-selected', String(index === chosen));
      tab.tabIndex = index === chosen ? 0 : -1;
      panels[index].hidden = index !== chosen;
    });
  }
  strip.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = tabs.findIndex((tab) => tab.getAttribute('aria-selected') === 'true');
    const chosen = (at + step + tabs.length) % tabs.length;
    choose(chosen);
    tabs[chosen].focus();
  });
  choose(0);
  return h('div', { class: 'how' }, strip, ...panels);
}

/** @param {import('./encoders.js').Encoder} encoder */
function panel({ id, about, steps }) {
  return h(
    'div',
    { class: 'how__panel', role: 'tabpanel', id: `how-${id}`, 'aria-labelledby': `tab-${id}`, tabindex: 0 },
    h('p', { class: 'how__about' }, about),
    ...steps.map(step),
  );
}

/** @param {import('./encoders.js').Step} one */
function step({ title, code, rows, note }) {
  return h(
    'section',
    { class: 'how__step' },
    h('h4', {}, title),
    code ? h('div', { class: 'code' }, h('pre', {}, h('code', {}, code)), copyButton(title, () => code)) : null,
    rows ? h('dl', { class: 'how__rows' }, ...rows.map(([label, value]) => setting(label, value))) : null,
    note ? h('p', { class: 'how__note' }, note) : null,
  );
}

/**
 * @param {string} label
 * @param {string} value
 */
function setting(label, value) {
  return h('div', { class: 'setting' }, h('dt', {}, label), h('dd', {}, h('code', {}, value), copyButton(label, () => value)));
}
