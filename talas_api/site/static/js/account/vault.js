/**
 * Where the refresh token lies, and whose turn it is to use it.
 *
 * Does:       keep one refresh token for all tabs of this browser; let one tab at a time exchange it
 *             where the browser has Web Locks (on TLS and on this machine).
 * Never:      sends anything; keeps an access token, which is each page's own and goes with it.
 *
 * Why localStorage? Tabs of one browser must share a single copy: a token that was exchanged is good
 * for some seconds more, and later ends the session. Those seconds are also why nothing else is
 * needed: two tabs without locks, or a reload in the middle of an exchange, get the same answer
 * again. A script that could read it here would have to get past a policy without inline code or
 * strangers, and what it took would end the session on its use beside ours. No cookie is used, so no
 * other site can make a request in this one's name.
 */
const KEY = 'talas.session';

export class Vault {
  /**
   * @param {import('../kit/storage.js').Storage} storage shared by all tabs
   * @param {LockManager | undefined} locks
   */
  constructor(storage, locks) {
    this.storage = storage;
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
    return this.locks ? this.locks.request(KEY, work) : work();
  }
}
