/**
 * The chat's language: what a close code means, what an error means for a message.
 *
 * Does:       turn numbers and codes into what to do and what to say.
 * Never:      touches a socket.
 */

/** @typedef {'recover' | 'renew' | 'leave'} Meaning */

const REASONS = /** @type {Record<number, string>} */ ({
  4200: 'This account cannot use the chat.',
  4201: 'This page and the chat do not understand each other. Reload the page.',
  4202: 'Too many messages or open pages. Reload the page to go on.',
});

/**
 * What to do after a socket closed: come back and resume, come back with another token, or stay away.
 *
 * @param {number} code
 * @returns {Meaning}
 */
export function closeMeaning(code) {
  if (code >= 4200 && code <= 4299) return 'leave';
  if (code >= 4100 && code <= 4199) return 'renew';
  return 'recover';
}

/** Why not to come back, for people. @param {number} code */
export function closeReason(code) {
  return REASONS[code] ?? 'The chat closed this connection.';
}

/**
 * What an `error` does to the message it answers: `again` (join or wait, and send it as it is),
 * or `fail` (the person decides).
 *
 * @param {string} code
 * @returns {'again' | 'fail'}
 */
export function afterRefusal(code) {
  return code === 'not_joined' || code === 'unauthorized' ? 'again' : 'fail';
}

/**
 * A frame as text from the socket; null for what is not an object with a type.
 *
 * @param {unknown} data
 * @returns {Record<string, any> | null}
 */
export function read(data) {
  if (typeof data !== 'string') return null;
  try {
    const frame = JSON.parse(data);
    return frame !== null && typeof frame === 'object' && typeof frame.type === 'string' ? frame : null;
  } catch {
    return null;
  }
}

/** A nonce: 128 random bits. (`randomUUID` is missing on pages without TLS.) */
export function nonce() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
