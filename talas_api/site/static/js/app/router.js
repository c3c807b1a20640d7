/**
 * Which part of the page is shown, kept in the address after the #.
 *
 *     #/                  the stations, and the first on the air
 *     #/demo              a station       #/demo/chat   its chat (a tab of its own on phones)
 *     #stations           the list (a tab of its own on phones)
 *     #broadcast          your stations   #broadcast/demo   one of them   #broadcast/+   a new one
 *     #people             for moderators and admins          #audit   for admins
 *
 * Guarantees: an address nobody made leaves everything as it is.
 */
import { Signal } from '../kit/signal.js';

const SLUG = /^[a-z0-9](?:-?[a-z0-9]){1,31}$/;

/**
 * @typedef {object} Route
 * @property {'listen' | 'broadcast' | 'staff'} view
 * @property {'stations' | 'now' | 'chat'} panel
 * @property {string} slug of a station, or the part of the staff's view; empty: none was named
 * @property {boolean} fresh a new station is wanted
 */

/**
 * @param {string} hash as in `location.hash`
 * @returns {Route | null} null for an address nobody made
 */
export function parse(hash) {
  const path = hash.replace(/^#/, '');
  if (path === '' || path === '/') return route('listen', 'now', '');
  if (path === 'stations') return route('listen', 'stations', '');
  if (path === 'people' || path === 'audit') return route('staff', 'now', path);
  const [first, second = '', ...rest] = path.split('/');
  if (rest.length === 0 && first === 'broadcast') return broadcast(second);
  if (first !== '' || !SLUG.test(second)) return null;
  if (rest.length === 0) return route('listen', 'now', second);
  return rest.length === 1 && rest[0] === 'chat' ? route('listen', 'chat', second) : null;
}

/** The route of this page. */
export class Router {
  /** @param {Location} place */
  constructor(place) {
    this.place = place;
    this.route = new Signal(parse(place.hash) ?? route('listen', 'now', ''));
    addEventListener('hashchange', () => {
      this.route.value = parse(place.hash) ?? this.route.value;
    });
  }

  /** @param {string} hash */
  go(hash) {
    this.place.hash = hash;
  }
}

/** @param {string} slug */
function broadcast(slug) {
  if (slug === '+') return { ...route('broadcast', 'now', ''), fresh: true };
  return slug === '' || SLUG.test(slug) ? route('broadcast', 'now', slug) : null;
}

/**
 * @param {Route['view']} view
 * @param {Route['panel']} panel
 * @param {string} slug
 * @returns {Route}
 */
function route(view, panel, slug) {
  return { view, panel, slug, fresh: false };
}
