import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pages } from '#page/staff/pages.js';

/** As much of an element as a list of pages needs. */
class Element extends EventTarget {
  children = [];
  textContent = '';
  constructor(tag) {
    super();
    this.tag = tag;
  }
  get childElementCount() {
    return this.children.length;
  }
  append(...more) {
    this.children.push(...more);
  }
  setAttribute() {}
}

test('two presses on More read the next page once, and after a failure it can be asked for again', async () => {
  globalThis.Node = Element;
  globalThis.document = { createElement: (tag) => new Element(tag) };
  const asked = [];
  const waiting = [];
  const request = (_, path) => new Promise((resolve, reject) => {
    asked.push(path);
    waiting.push({ resolve, reject });
  });
  const told = async (settle) => {
    waiting.splice(0).forEach(settle);
    await new Promise(setImmediate);
  };
  const press = () => more.dispatchEvent(new Event('click'));
  const [list, note, more] = pages({ request }, '/api/x?of=1', 'after', (one) => Object.assign(new Element('li'), { one })).children;
  press();
  await told(({ resolve }) => resolve({ data: ['a'], meta: { next: '1' } }));
  press();
  press();
  await told(({ reject }) => reject(new Error('No answer.')));
  assert.equal(note.textContent, 'No answer.');
  press();
  press();
  await told(({ resolve }) => resolve({ data: ['b'], meta: {} }));
  assert.deepEqual(asked, ['/api/x?of=1', '/api/x?of=1&after=1', '/api/x?of=1&after=1']);
  assert.deepEqual(list.children.map(({ one }) => one), ['a', 'b']);
});
