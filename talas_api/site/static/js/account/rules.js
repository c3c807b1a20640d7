/**
 * What the API will say to a form, or to an account, known before it is asked.
 *
 * Does:       check fields by the API's own limits, in its own words.
 * Never:      has the last word: the API checks again, and its answer is shown the same way.
 */
const USERNAME = /^[A-Za-z0-9_.-]{3,32}$/;
const EMAIL = /^[^\s@]{1,64}@[^\s@]{1,189}$/;

/**
 * @param {Record<string, string>} fields
 * @returns {Record<string, string>} what is wrong, by field
 */
export function faultsOfSignUp({ username, email, password }) {
  return only({
    username: USERNAME.test(username) ? '' : 'must be 3 to 32 letters, digits, dots, dashes or underscores',
    email: EMAIL.test(email) ? '' : 'must be an e-mail address',
    password: [...password].length >= 8 ? '' : 'must be 8 characters or more',
  });
}

/**
 * @param {Record<string, string>} fields
 * @returns {Record<string, string>}
 */
export function faultsOfSignIn({ email, password }) {
  return only({
    email: email ? '' : 'is required',
    password: password ? '' : 'is required',
  });
}

/**
 * @param {Record<string, string>} fields
 * @returns {Record<string, string>}
 */
export function faultsOfEmail({ email, password }) {
  return only({
    email: EMAIL.test(email) ? '' : 'must be an e-mail address',
    password: password ? '' : 'is required',
  });
}

/** @param {Record<string, string>} faults */
function only(faults) {
  return Object.fromEntries(Object.entries(faults).filter(([, fault]) => fault));
}

/** Whether this account may see who else there is. @param {{role: string} | null | undefined} account */
export function isStaff(account) {
  return account?.role === 'moderator' || account?.role === 'admin';
}
