/**
 * The HTTP API.
 *
 * Does:       send JSON, open the envelope, turn a refusal into an ApiError; give up waiting after a while.
 * Never:      puts a token into an address; retries by itself.
 */

const PATIENCE_MS = 20_000;

/** A refusal, or no answer at all (`code` is then "unreachable"). */
export class ApiError extends Error {
  /**
   * @param {number} status 0: no answer
   * @param {{code?: string, message?: string, fields?: Record<string, string>}} error
   * @param {number} retryAfter seconds; 0 where the API did not say
   */
  constructor(status, error, retryAfter = 0) {
    super(error.message ?? 'Something went wrong.');
    this.name = 'ApiError';
    this.status = status;
    this.code = error.code ?? 'internal';
    this.fields = error.fields ?? {};
    this.retryAfter = retryAfter;
  }
}

/**
 * @typedef {(method: string, path: string, options?: {body?: object, token?: string}) =>
 *   Promise<{data: any, meta: any}>} Call
 */

/**
 * One request.
 *
 * @type {Call}
 * @throws {ApiError}
 */
export async function call(method, path, { body, token } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers['Content-Type'] = 'application/json';
  const response = await reach(path, {
    method,
    headers,
    body: body && JSON.stringify(body),
    credentials: 'omit',
    cache: 'no-store',
  });
  if (response.status === 204) return { data: null, meta: null };
  const answer = await response.json().catch(() => ({}));
  if (response.ok && answer.success) return { data: answer.data, meta: answer.meta ?? null };
  const wait = Number(response.headers.get('Retry-After')) || 0;
  throw new ApiError(response.status, answer.error ?? {}, wait);
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function reach(path, init) {
  try {
    return await fetch(path, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new ApiError(0, { code: 'unreachable', message: 'Talas cannot be reached right now.' });
  }
}
