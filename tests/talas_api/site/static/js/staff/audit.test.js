import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsOf } from '#page/staff/audit.js';

const AT = '2030-01-01T12:00:00Z';
const nameOf = (id) => ({ 1: 'ann', 2: 'bob' })[id] ?? id;

test('an event tells whom it concerns, who did it unless it is they, from where, and what', () => {
  const entry = { id: '9', at: AT, kind: 'account.role_changed', user_id: '1', actor_id: '2', address: '192.0.2.1', detail: { role: 'admin', station_id: 7 } };
  assert.deepEqual(factsOf(entry, nameOf).slice(1), ['ann', 'by bob', '192.0.2.1', 'role: admin', 'station id: 7']);
  const own = { ...entry, actor_id: '1', address: null, detail: {} };
  assert.deepEqual(factsOf(own, nameOf).slice(1), ['ann']);
});
