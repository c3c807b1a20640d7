/**
 * Dark and light.
 *
 * Does:       follow the system until a theme is chosen; remember the choice.
 * Guarantees: the button says what a press will do.
 */
import { swapIcon } from '../kit/dom.js';

/** @typedef {'auto' | 'dark' | 'light'} Theme */

const KEY = 'talas.theme';
/** @type {Record<Theme, Theme>} */
const NEXT = { auto: 'dark', dark: 'light', light: 'auto' };
const LOOK = {
  auto: { icon: 'half', name: 'Theme: as the system' },
  dark: { icon: 'moon', name: 'Theme: dark' },
  light: { icon: 'sun', name: 'Theme: light' },
};

/**
 * @param {HTMLButtonElement} button
 * @param {import('../kit/storage.js').Storage} storage
 */
export function themeButton(button, storage) {
  let theme = chosen();
  const show = () => {
    const { icon, name } = LOOK[theme];
    swapIcon(button, icon);
    button.title = name;
    button.setAttribute('aria-label', `${name}. Change it`);
    colourTheBrowser();
  };
  button.addEventListener('click', () => {
    theme = NEXT[theme];
    apply(theme);
    storage.set(KEY, theme === 'auto' ? '' : theme);
    show();
    dispatchEvent(new Event('themechange'));
  });
  matchMedia('(prefers-color-scheme: light)').addEventListener('change', () => {
    show();
    dispatchEvent(new Event('themechange'));
  });
  show();
}

/** @returns {Theme} */
function chosen() {
  const theme = document.documentElement.dataset.theme;
  return theme === 'dark' || theme === 'light' ? theme : 'auto';
}

/** @param {Theme} theme */
function apply(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** The colour of a phone browser's own bar. */
function colourTheBrowser() {
  const meta = document.querySelector('meta[name="theme-color"]');
  meta?.setAttribute('content', getComputedStyle(document.documentElement).backgroundColor);
}
