/**
 * What a station may be called.
 *
 * Does:       check by the API's own limits and words; propose a slug for a name.
 */
const SLUG = /^[a-z0-9](?:-?[a-z0-9]){1,31}$/;
const RESERVED = new Set(['admin', 'api', 'health', 'ready', 'metrics', 'status-json', 'ws', 'hls']);
const LONGEST_SLUG = 32;

/**
 * @param {Record<string, string>} fields
 * @returns {Record<string, string>} what is wrong, by field
 */
export function faultsOfNew(fields) {
  const faults = faultsOfChange(fields);
  if (RESERVED.has(fields.slug)) faults.slug = 'is reserved';
  else if (!SLUG.test(fields.slug)) {
    faults.slug = 'must be 2 to 32 small letters and digits, with single dashes between them';
  }
  return faults;
}

/**
 * @param {Record<string, string>} fields
 * @returns {Record<string, string>}
 */
export function faultsOfChange({ name, description }) {
  /** @type {Record<string, string>} */
  const faults = {};
  const letters = [...name].length;
  if (letters < 1 || letters > 80) faults.name = 'must be 1 to 80 characters, not all blank';
  if ([...description].length > 1000) faults.description = 'must be at most 1000 characters';
  return faults;
}

/** "Caf\u00e9 del Mar!" -> "cafe-del-mar" @param {string} name */
export function slugFor(name) {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const slug = plain.replace(/[^a-z0-9]+/gu, '-').slice(0, LONGEST_SLUG);
  return slug.replace(/^-+|-+$/gu, '');
}
