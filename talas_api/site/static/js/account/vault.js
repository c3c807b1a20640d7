/**
 * Where the tokens lie, and whose turn it is to use the refresh token.
 *
 * Does:       keep one refresh token for all tabs of this browser; let one tab at a time exchange it;
 *             carry a tab's access token over a reload.
 * Never:      sends anything.
 * Guarantees: what `exclusively` runs is alone among all tabs where the browser has Web Locks
 *             (on TLS and on this machine), and as good as alone elsewhere: a lease in storage.
 *
 * Why localStorage? A refresh token works once, and showing it twice ends the session. Tabs of one
 * browser must therefore share a single copy; sessionStorage is copied when a tab is duplicated, and
 * the copies would end each other. A script that could read it here would have to get past a policy
 * without inline code or strangers, and what it took would end the session on its first use beside
 * ours. No cookie is used, so no other site can make a request in this one's name.
 *
 * Why sessionStorage for the access token, rather than memory alone? Otherwise each load of the page
 * would begin with an exchange, and a reload in the middle of one loses the answer: the next load
 * would show a used token and be signed out. Who could read it there could read the stronger refresh
 * token as well, so nothing is given away.
 */
const KEY = 'talas.session';
const PASS = 'talas.pass';
const LEASE = 'talas.session.lease';
const LEASE_MS = 8000;
const LOOK_MS = 60;

export class Vault {
  /**
   * @param {import('../kit/storage.js').Storage} storage shared by all tabs
   * @param {import('../kit/storage.js').Storage} own of this tab
   * @param {LockManager | undefined} locks
   */
  constructor(storage, own, locks) {
    this.storage = storage;
    this.own = own;
    this.locks = locks;
  }

  /** The token; empty while nobody is signed in. */
  get token() {
    return this.storage.get(KEY);
  }

  set token(token) {
    this.storage.set(KEY, token);
  }

  /**
   * The access token in use, until when it is good (milliseconds), and whose it is.
   *
   * @returns {{token: string, until: number, user: any} | null}
   */
  get pass() {
    const text = this.own.get(PASS);
    return text && this.token ? JSON.parse(text) : null;
  }

  set pass(pass) {
    this.own.set(PASS, pass ? JSON.stringify(pass) : '');
  }

  /**
   * Call back when another tab changed the token.
   *
   * @param {(token: string) => void} callback
   */
  watch(callback) {
    globalThis.addEventListener?.('storage', (event) => {
      if (event.key === KEY) callback(event.newValue ?? '');
    });
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async exclusively(work) {
    if (this.locks) return this.locks.request(KEY, work);
    const mine = await this.#lease();
    try {
      return await work();
    } finally {
      if (this.storage.get(LEASE) === mine) this.storage.set(LEASE, '');
    }
  }

  /** Wait for the lease and take it. Returns its text. */
  async #lease() {
    for (;;) {
      const [until] = this.storage.get(LEASE).split(' ');
      if (Number(until) < Date.now()) {
        const mine = `${Date.now() + LEASE_MS} ${Math.random()}`;
        this.storage.set(LEASE, mine);
        await pause(LOOK_MS);
        if (this.storage.get(LEASE) === mine) return mine;
      }
      await pause(LOOK_MS);
    }
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
