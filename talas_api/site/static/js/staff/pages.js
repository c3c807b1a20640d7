/**
 * A long list of the API, a page at a time.
 *
 * Does:       read the first page; read on when asked, until there is no more; say what went wrong.
 * Guarantees: no page is read twice, however often it is asked for.
 */
import { h } from '../kit/dom.js';

/**
 * @param {import('../account/session.js').Session} session
 * @param {string} path with its query, if any
 * @param {string} mark the parameter that takes `meta.next`
 * @param {(one: any) => HTMLElement} row
 * @returns {HTMLElement}
 */
export function pages(session, path, mark, row) {
  const list = h('ul', { class: 'people' });
  const note = h('p', { class: 'part__about', role: 'status' });
  const more = h('button', { class: 'button', type: 'button', hidden: true }, 'More');
  let next = '';
  let reading = false;

  async function read() {
    if (reading) return;
    reading = true;
    note.textContent = 'One moment.';
    try {
      const query = new URLSearchParams(next ? { [mark]: next } : {});
      const { data, meta } = await session.request('GET', query.size ? `${path}${path.includes('?') ? '&' : '?'}${query}` : path);
      list.append(...data.map(row));
      next = meta?.next ?? '';
      more.hidden = !next;
      note.textContent = list.childElementCount === 0 ? 'Nothing here.' : '';
    } catch (error) {
      note.textContent = /** @type {Error} */ (error).message;
      more.hidden = false;
    } finally {
      reading = false;
    }
  }
  more.addEventListener('click', read);
  read();
  return h('div', { class: 'card' }, list, note, more);
}
