/**
 * The page's composition root: the one module that knows all others.
 *
 * Does:       read from the page where chat and audio are; build the parts and join them.
 * Never:      holds a rule of its own beyond who is told what.
 */
import { call } from './account/api.js';
import { Session } from './account/session.js';
import { Vault } from './account/vault.js';
import { accountCorner } from './account/view.js';
import { Router } from './app/router.js';
import { themeButton } from './app/theme.js';
import { BroadcastView } from './broadcast/view.js';
import { GuestReading } from './chat/guest.js';
import { Link } from './chat/link.js';
import { Rooms } from './chat/rooms.js';
import { ChatView } from './chat/view.js';
import { byId } from './kit/dom.js';
import { Signal } from './kit/signal.js';
import { Storage } from './kit/storage.js';
import { documentTitle, splitTitle } from './kit/words.js';
import { playerBar } from './player/bar.js';
import { Dial } from './player/dial.js';
import { keyboard } from './player/keyboard.js';
import { mediaKeys, tellSystem } from './player/media-session.js';
import { nowPanel } from './player/now.js';
import { Player } from './player/player.js';
import { wanted } from './player/states.js';
import { Tap } from './player/tap.js';
import { Volume } from './player/volume.js';
import { waysToListen } from './player/ways.js';
import { staffView } from './staff/view.js';
import { atFirst, Directory } from './stations/directory.js';
import { Events } from './stations/events.js';
import { stationList } from './stations/list.js';
import { Played } from './stations/played.js';

const TITLE_MS = 200;
const LAST = 'talas.station';
const NARROW = matchMedia('(max-width: 759px)');

const storage = new Storage();
const router = new Router(location);
const session = new Session(call, new Vault(storage, navigator.locks));
const directory = new Directory(call, said('talas-stream'));
const played = new Played(said('talas-stream'));
const player = new Player(byId('audio'), directory, said('talas-stream'));
const volume = new Volume(byId('audio'), storage);
const tap = new Tap(byId('audio'));
const selected = chosen();
let titleTimer = 0;

themeButton(byId('theme'), storage);
byId('skip').addEventListener('click', (/** @type {Event} */ event) => {
  // The part after the # is the route, so the link may not follow its own address.
  event.preventDefault();
  byId('main').focus();
});
const { ask } = accountCorner(byId('account'), session);
stationList({ directory, selected, player });
nowPanel({ directory, selected, player, volume, played });
waysToListen({ directory, selected, player, storage, stream: said('talas-stream') });
followStations();
playerBar({ directory, player, volume, selected, route: router.route });
mediaKeys(player);
keyboard({ toggle: toggleSomething, volume });
new Dial(byId('dial'), tap, () => player.state.value === 'playing' && player.slug.value === selected.value);
new BroadcastView({
  root: byId('broadcast-view'), router, session, directory, signIn: ask, stream: said('talas-stream'), source: said('talas-source'),
});
staffView({ root: byId('staff-view'), route: router.route, session });
const chat = joinChat();

player.state.subscribe((state) => {
  if (state !== 'playing') return;
  tap.attach();
  directory.status.now();
});
for (const signal of [player.state, player.slug, selected, directory.stations]) {
  /** @type {any} */ (signal).subscribe(entitle);
}
// None, and the first, are told at once; a busy room counts on many times a second.
chat.unread.subscribe((count) => (count > 1 ? entitleSoon() : entitle()));
router.route.subscribe(showRoute);
session.start();
directory.start();

/** What the server wrote into the page. @param {string} name */
function said(name) {
  return document.querySelector(`meta[name="${name}"]`)?.getAttribute('content') ?? '';
}

/** The chosen station: the one in the address, else the last visit's, else the first on the air. */
function chosen() {
  const slug = new Signal('');
  const choose = () => {
    const named = router.route.value.slug;
    if (router.route.value.view === 'listen' && named) slug.value = named;
    else if (!slug.value && directory.settled.value) slug.value = atFirst(directory, storage.get(LAST));
  };
  router.route.subscribe(choose);
  directory.settled.subscribe(choose);
  directory.stations.subscribe(choose);
  slug.subscribe((now) => {
    if (now && !directory.lacks(now)) storage.set(LAST, now);
  });
  return slug;
}

/** Every change is told of the station in sight, while the page is in sight, and of the one that is heard. */
function followStations() {
  const events = new Events(said('talas-stream'), {
    news: (slug, kind, now) => {
      directory.heard(slug, now);
      if (kind === 'now') played.load(slug);
      else played.note(slug, now.text);
    },
    lost: (slug) => directory.unheard(slug),
  });
  const follow = () => {
    const { view, slug } = router.route.value;
    const seen = view === 'listen' ? selected.value : slug;
    const matters = [document.hidden ? '' : seen, wanted(player.state.value) ? player.slug.value : ''];
    events.follow([...new Set(matters)].filter((one) => directory.find(one)));
  };
  for (const signal of [router.route, selected, player.state, player.slug, directory.stations]) {
    /** @type {any} */ (signal).subscribe(follow);
  }
  document.addEventListener('visibilitychange', follow);
}

/** Space: stop what plays; else play what is chosen. */
function toggleSomething() {
  const { state, slug } = player;
  if (wanted(state.value)) player.toggle(slug.value);
  else if (directory.find(selected.value)) player.toggle(selected.value);
}

/** The chat follows the chosen station; a guest reads along. */
function joinChat() {
  const link = new Link(said('talas-chat'), session);
  const rooms = new Rooms(link, () => session.account.value ?? null);
  const visible = () => router.route.value.view === 'listen' && (!NARROW.matches || router.route.value.panel === 'chat');
  const view = new ChatView({ rooms, session, signIn: () => ask('in'), visible });
  const guest = new GuestReading({ rooms, session, visible });
  let room = '';
  const follow = () => {
    const station = directory.find(selected.value);
    const next = (session.account.value !== undefined && station?.room) || '';
    if (next !== room) view.enter(next);
    guest.follow(session.account.value === null ? station : undefined);
    view.call(station?.name ?? '');
    room = next;
  };
  session.account.subscribe((account) => {
    view.clear();
    if (account) link.start();
    else link.stop();
    follow();
  });
  selected.subscribe(follow);
  directory.stations.subscribe(follow);
  router.route.subscribe(() => requestAnimationFrame(() => {
    view.look();
    guest.now();
  }));
  return view;
}

/** A tab's title is dear to change. */
function entitleSoon() {
  titleTimer ||= setTimeout(() => {
    titleTimer = 0;
    entitle();
  }, TITLE_MS);
}

/** The tab's title, and what the system's player shows, follow the song. */
function entitle() {
  const playing = player.state.value === 'playing';
  const station = directory.find(playing ? player.slug.value : selected.value);
  const { artist, title } = splitTitle(station?.air?.title);
  const song = [artist, title].filter(Boolean).join(' \u2013 ');
  document.title = documentTitle({ playing, song, station: station?.name ?? '', unread: chat.unread.value });
  if (playing && station) tellSystem(artist, title, station.name);
}

/** @param {import('./app/router.js').Route} route */
function showRoute(route) {
  document.body.dataset.view = route.view;
  document.body.dataset.panel = route.panel;
  byId('listen').hidden = route.view !== 'listen';
  byId('broadcast-view').hidden = route.view !== 'broadcast';
  byId('staff-view').hidden = route.view !== 'staff';
  const tab = route.view === 'listen' ? route.panel : route.view;
  for (const link of document.querySelectorAll('[data-tab]')) {
    mark(link, /** @type {HTMLElement} */ (link).dataset.tab === tab);
  }
  for (const link of document.querySelectorAll('[data-to]')) {
    mark(link, /** @type {HTMLElement} */ (link).dataset.to === route.view);
  }
}

selected.subscribe((slug) => {
  document.querySelector('[data-tab="now"]')?.setAttribute('href', `#/${slug}`);
  document.querySelector('[data-tab="chat"]')?.setAttribute('href', slug ? `#/${slug}/chat` : '#stations');
  document.querySelector('[data-to="listen"]')?.setAttribute('href', `#/${slug}`);
});

/**
 * @param {Element} link
 * @param {boolean} here
 */
function mark(link, here) {
  if (here) link.setAttribute('aria-current', 'page');
  else link.removeAttribute('aria-current');
}
