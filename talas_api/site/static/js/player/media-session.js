/**
 * The system's own player: lock screen, headset, keyboard keys.
 *
 * Does:       tell it the song and the station; take play and stop from it.
 */
import { wanted } from './states.js';

/** Lock screens draw no SVG. */
const ARTWORK = [192, 512].map((size) => ({
  src: new URL(`../../img/icon-${size}.png`, import.meta.url).href, sizes: `${size}x${size}`, type: 'image/png',
}));

/** @param {import('./player.js').Player} player */
export function mediaKeys(player) {
  if (!('mediaSession' in navigator)) return;
  const play = () => player.slug.value && player.play(player.slug.value);
  const stop = () => player.stop();
  const actions = { play, pause: stop, stop };
  for (const [action, handler] of Object.entries(actions)) {
    navigator.mediaSession.setActionHandler(/** @type {MediaSessionAction} */ (action), handler);
  }
  player.state.subscribe((state) => {
    navigator.mediaSession.playbackState = wanted(state) ? 'playing' : 'none';
  });
}

/**
 * @param {string} artist
 * @param {string} title
 * @param {string} station
 */
export function tellSystem(artist, title, station) {
  if (!('mediaSession' in navigator)) return;
  navigator.mediaSession.metadata = new MediaMetadata({
    title: title || station,
    artist: artist || station,
    album: station,
    artwork: ARTWORK,
  });
}
