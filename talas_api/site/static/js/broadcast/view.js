/**
 * The broadcaster's side: one's stations, a new one, one of them.
 *
 * Does:       show what the address asks for; make, change, re-key and delete stations through the API.
 * Never:      keeps a stream key longer than the page that shows it.
 */
import { h, icon } from '../kit/dom.js';
import { form } from '../kit/form.js';
import { unturned } from '../kit/words.js';
import { badge } from '../stations/badge.js';
import { setTitle } from './onair.js';
import { faultsOfNew, slugFor } from './rules.js';
import { stationPage } from './station.js';

/** Said while it is not known which stations there are. */
const WAITING = { loading: 'Looking\u2026', good: 'Looking\u2026', unreachable: 'Talas does not answer. Trying again\u2026' };

export class BroadcastView {
  #key = { slug: '', key: '' };
  /** @type {((station: any, airing: import('../stations/directory.js').Condition) => void) | null} */
  #follow = null;
  #shown = '';

  /**
   * @param {object} parts
   * @param {HTMLElement} parts.root
   * @param {import('../app/router.js').Router} parts.router
   * @param {import('../account/session.js').Session} parts.session
   * @param {import('../stations/directory.js').Directory} parts.directory
   * @param {string} parts.stream address of the stream port, for the page
   * @param {string} parts.source its address for encoders: the page may not reach it
   * @param {(which?: 'in' | 'up') => void} parts.signIn
   */
  constructor({ root, router, session, directory, stream, source, signIn }) {
    this.root = root;
    this.router = router;
    this.session = session;
    this.directory = directory;
    this.stream = stream;
    this.source = source;
    this.signIn = signIn;
    router.route.subscribe(() => this.#show());
    session.account.subscribe(() => this.#show());
    directory.stations.subscribe(() => this.#update());
    directory.listing.subscribe(() => this.#update());
    directory.airing.subscribe(() => this.#update());
  }

  get #mine() {
    const name = this.session.account.value?.username;
    return this.directory.stations.value.filter((station) => name !== undefined && station.owner === name);
  }

  #show() {
    const { view, slug, fresh } = this.router.route.value;
    // A fresh station's address follows a moment after its key.
    if (!fresh && slug !== this.#key.slug) this.#key = { slug: '', key: '' };
    if (view !== 'broadcast') {
      this.#shown = '';
      return;
    }
    const account = this.session.account.value;
    const station = this.#mine.find((one) => one.slug === slug);
    const what = `${account && account.id}/${slug}/${fresh}/${Boolean(station)}/${this.#key.key}/${this.#listed}`;
    if (what === this.#shown) return;
    this.#shown = what;
    this.#follow = null;
    const focused = this.root.contains(document.activeElement);
    if (account === undefined) this.root.replaceChildren();
    else if (account === null) this.root.replaceChildren(this.#guest());
    else if (fresh) this.root.replaceChildren(this.#back(), this.#makeForm());
    else if (slug) this.root.replaceChildren(this.#back(), ...this.#station(station));
    else this.root.replaceChildren(this.#overview());
    if (focused) this.#focus();
  }

  /** What was pressed is gone: go on reading at the key that was just made, or at the top. */
  #focus() {
    const place = this.root.querySelector('.card--key h2') ?? this.root.querySelector('h1');
    /** @type {HTMLElement | null} */ (place)?.focus();
  }

  /** Whether the list ever came, so that a station that is not in it is not there. */
  get #listed() {
    return this.directory.listed;
  }

  #update() {
    if (this.router.route.value.view !== 'broadcast') return;
    const { slug } = this.router.route.value;
    if (slug === '' && this.root.querySelector('.mine')) this.#shown = '';
    this.#show();
    this.#follow?.(this.directory.find(slug), this.directory.airing.value);
  }

  #guest() {
    const press = (/** @type {'in' | 'up'} */ which, /** @type {string} */ word, /** @type {string} */ look) =>
      h('button', { class: `button ${look}`, type: 'button', on: { click: () => this.signIn(which) } }, word);
    return h(
      'div',
      { class: 'pitch' },
      h('h1', { tabindex: -1 }, 'Your own station'),
      h('p', {}, 'An address, a stream key and a room to talk in. Send from ffmpeg, butt, Mixxx or Liquidsoap; listeners hear it at once, in Opus, AAC and MP3.'),
      h('p', { class: 'form__buttons' }, press('up', 'Create an account', 'button--main'), press('in', 'Sign in', '')),
    );
  }

  #back() {
    return h('a', { class: 'back', href: '#broadcast' }, icon('back'), 'Your stations');
  }

  #overview() {
    const mine = this.#mine;
    const add = h('a', { class: 'button button--main', href: '#broadcast/+', id: 'new-station' }, icon('plus'), 'New station');
    const items = mine.map((station) => h(
      'li',
      {},
      h('a', { class: 'station', href: `#broadcast/${station.slug}`, data: { air: station.air ? 'on' : 'off' } },
        badge(station.slug),
        h('span', { class: 'station__words' },
          h('span', { class: 'station__name' }, station.name),
          h('span', { class: 'station__song' }, station.air ? ['On the air', unturned(station.air.title)].filter(Boolean).join(' \u00b7 ') : 'Off the air'))),
    ));
    return h(
      'div',
      { class: 'mine' },
      h('header', { class: 'mine__head' }, h('h1', { tabindex: -1 }, 'Your stations'), mine.length ? add : null),
      mine.length ? h('ul', { class: 'mine__list' }, ...items) : h('div', { class: 'pitch' },
        h('p', {}, this.#listed ? 'You have no station yet. It takes a name; the key and the instructions come next.' : WAITING[this.directory.listing.value]), add),
    );
  }

  #makeForm() {
    const element = form({
      id: 'station-make',
      submit: 'Make the station',
      fields: [
        { name: 'name', label: 'Name', maxlength: 80, hint: 'As listeners see it.' },
        { name: 'slug', label: 'Address', maxlength: 32, prefix: '/', hint: 'Small letters, digits and single dashes. It cannot be changed later.' },
        { name: 'description', label: 'Description', long: true, maxlength: 1000, hint: 'What it plays, and when. May be left empty.' },
      ],
      check: faultsOfNew,
      send: (values) => this.#make(values),
    });
    proposeSlug(element);
    return h('section', { class: 'card card--form' }, h('h1', { tabindex: -1 }, 'A new station'), element);
  }

  /** @param {import('../stations/status.js').Station | undefined} station */
  #station(station) {
    const { slug } = this.router.route.value;
    if (!station) return [h('h1', { tabindex: -1 }, this.#listed ? `You have no station at /${slug}` : WAITING[this.directory.listing.value])];
    const key = this.#key.slug === slug ? this.#key.key : '';
    const page = stationPage(station, { stream: this.stream, source: this.source, key }, {
      change: (values) => this.#change(slug, values),
      retitle: async (song) => setTitle(this.stream, await this.session.token(), slug, song),
      renew: () => this.#renew(slug),
      remove: () => this.#remove(slug),
    }, this.directory.airing.value);
    this.#follow = page.follow;
    return [page.element];
  }

  /** @param {Record<string, string>} values */
  async #make(values) {
    const { data } = await this.session.request('POST', '/api/stations', values);
    this.#key = { slug: data.slug, key: data.stream_key };
    this.directory.add(data);
    this.router.go(`#broadcast/${data.slug}`);
  }

  /**
   * @param {string} slug
   * @param {object} values
   */
  async #change(slug, values) {
    const { data } = await this.session.request('PATCH', `/api/stations/${slug}`, values);
    this.directory.add(data);
  }

  /** @param {string} slug */
  async #renew(slug) {
    const { data } = await this.session.request('POST', `/api/stations/${slug}/key`);
    this.#key = { slug, key: data.stream_key };
    this.#show();
  }

  /** @param {string} slug */
  async #remove(slug) {
    await this.session.request('DELETE', `/api/stations/${slug}`);
    this.directory.drop(slug);
    this.router.go('#broadcast');
  }
}

/** The address follows the name until somebody writes one of their own. @param {HTMLFormElement} element */
function proposeSlug(element) {
  const name = /** @type {HTMLInputElement} */ (element.elements.namedItem('name'));
  const slug = /** @type {HTMLInputElement} */ (element.elements.namedItem('slug'));
  let own = false;
  slug.addEventListener('input', () => {
    own = slug.value !== '';
  });
  name.addEventListener('input', () => {
    if (!own) slug.value = slugFor(name.value);
  });
}
