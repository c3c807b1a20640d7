/**
 * Keys: space plays and stops, up and down turn the volume, M mutes.
 *
 * Never:      takes a key from a field, a button or an open dialog that has its own use for it.
 */
const STEP = 5;
const OWN_KEYS = 'input, textarea, select, button, a, [contenteditable], summary, [role="tab"]';

/**
 * @param {object} parts
 * @param {() => void} parts.toggle
 * @param {import('./volume.js').Volume} parts.volume
 */
export function keyboard({ toggle, volume }) {
  /** @type {Record<string, () => void>} */
  const keys = {
    ' ': toggle,
    ArrowUp: () => volume.set(volume.percent.value + STEP),
    ArrowDown: () => volume.set(volume.percent.value - STEP),
    m: () => {
      volume.muted.value = !volume.muted.value;
    },
  };
  addEventListener('keydown', (event) => {
    const action = keys[event.key];
    if (!action || event.defaultPrevented) return;
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (document.querySelector('dialog[open]') || ownsKeys(event.target, event.key)) return;
    event.preventDefault();
    action();
  });
}

/**
 * @param {EventTarget | null} target
 * @param {string} key
 */
function ownsKeys(target, key) {
  if (!(target instanceof Element)) return false;
  // A region that scrolls by the arrow keys keeps them; space is better spent on play.
  if (target.closest('[role="region"]') && key.startsWith('Arrow')) return true;
  return target.closest(OWN_KEYS) !== null;
}
