/**
 * Who is signed in.
 *
 * Does:       sign up, in and out; hand out an access token that is good for a while; exchange the
 *             refresh token before the access token ends.
 * Never:      keeps a password; signs out because the network is down.
 * Guarantees: a page runs at most one exchange at a time, and so do all tabs together where the
 *             browser can tell them apart; each begins with the token that was left last.
 */
import { Signal } from '../kit/signal.js';
import { ApiError } from './api.js';

const MARGIN_MS = 45_000;
const RETRY_MS = 15_000;

/** @typedef {{id: string, username: string, email: string, display_name: string, role: string}} Account */

export class Session {
  /** The access token in use, until when it is good (milliseconds), and whose it is.
   * @type {{token: string, until: number, user: Account} | null} */
  #pass = null;
  /** @type {Promise<string> | null} */
  #exchange = null;
  /** @type {number | undefined} */
  #timer;

  /**
   * @param {import('./api.js').Call} call
   * @param {import('./vault.js').Vault} vault
   * @param {() => number} [now] milliseconds
   */
  constructor(call, vault, now = Date.now) {
    this.call = call;
    this.vault = vault;
    this.now = now;
    /** undefined: not known yet */
    this.account = new Signal(/** @type {Account | null | undefined} */ (undefined));
    /** The access token in use, for who must hear of a new one; empty without. */
    this.fresh = new Signal('');
  }

  /** Take up the sign-in of an earlier visit, if there is one, and follow the other tabs. */
  start() {
    this.vault.watch((token) => this.#elsewhere(token));
    if (this.vault.token) this.token().catch(() => this.#later());
    else this.account.value = null;
  }

  /** @param {{username: string, email: string, password: string}} wish */
  async signUp(wish) {
    await this.call('POST', '/api/auth/register', { body: wish });
    await this.signIn({ email: wish.email, password: wish.password });
  }

  /** @param {{email: string, password: string, code?: string}} credentials */
  async signIn(credentials) {
    const { data } = await this.call('POST', '/api/auth/login', { body: credentials });
    this.#take(data);
  }

  /** The session ends on the server too; if it cannot be reached, only here. */
  async signOut() {
    const token = await this.token().catch(() => '');
    this.#forget();
    if (token) await this.call('POST', '/api/auth/logout', { token }).catch(() => null);
  }

  /**
   * An access token that is good for a while yet; empty if nobody is signed in.
   *
   * @throws {ApiError} where that cannot be found out now
   */
  async token() {
    const pass = this.#good();
    if (pass) return pass.token;
    this.#exchange ??= this.#renew().finally(() => {
      this.#exchange = null;
    });
    return this.#exchange;
  }

  /** Drop the access token, since the server refused it: the next `token()` gets another. */
  doubt() {
    this.#pass = null;
  }

  /** The access token, if it is good for a while yet. */
  #good() {
    return this.#pass && this.#pass.until - MARGIN_MS > this.now() ? this.#pass : null;
  }

  /**
   * A request as the signed-in person; once more with a fresh token if the first was refused.
   *
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async request(method, path, body) {
    try {
      return await this.call(method, path, { body, token: await this.token() });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401 || !this.vault.token) throw error;
      this.doubt();
      return this.call(method, path, { body, token: await this.token() });
    }
  }

  async #renew() {
    return this.vault.exclusively(async () => {
      const refresh = this.vault.token;
      if (!refresh) {
        this.#forget();
        return '';
      }
      try {
        const { data } = await this.call('POST', '/api/auth/refresh', {
          body: { refresh_token: refresh },
        });
        return this.#take(data);
      } catch (error) {
        if (!(error instanceof ApiError) || (error.status !== 401 && error.status !== 400)) throw error;
        if (this.vault.token === refresh) this.#forget();
        return '';
      }
    });
  }

  /** @param {{access_token: string, refresh_token: string, expires_in: number, user: Account}} grant */
  #take(grant) {
    const { access_token: token, refresh_token: refresh, expires_in: seconds, user } = grant;
    const life = 1000 * seconds;
    this.vault.token = refresh;
    this.#pass = { token, until: this.now() + life, user };
    this.#renewIn(Math.max(life - 2 * MARGIN_MS, life / 2));
    this.fresh.value = token;
    if (this.account.value?.id !== user.id) this.account.value = user;
    return token;
  }

  #forget() {
    this.vault.token = '';
    this.#leave();
  }

  #leave() {
    clearTimeout(this.#timer);
    this.#pass = null;
    this.fresh.value = '';
    this.account.value = null;
  }

  #later() {
    this.#renewIn(RETRY_MS);
  }

  /** @param {number} ms */
  #renewIn(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.doubt();
      this.token().catch(() => this.#later());
    }, ms);
  }

  /** @param {string} token what another tab left */
  #elsewhere(token) {
    if (!token) this.#leave();
    else if (!this.account.value) this.token().catch(() => this.#later());
  }
}
