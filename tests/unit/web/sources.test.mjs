import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourceStates } from '../../../web/src/tables_view.js';

const works = (source) => ({ source, success: true, reason: null });

test('what does not work comes first, with its reason', () => {
  const states = sourceStates([
    works('discovery'), works('uv_stack'),
    { source: 'procfs', success: false, reason: 'pid 7: no access' },
  ]);
  assert.deepEqual(states.map(({ name, state }) => `${name} ${state}`),
    ['procfs failing', 'backlog off', 'tcp_ext off', 'discovery active', 'uv_stack active']);
  assert.equal(states[0].reason, 'pid 7: no access');
  assert.match(states[1].reason, /configuration/);
});

test('a program that measures itself has its own source only', () => {
  assert.deepEqual(sourceStates([works('library')]).map(({ state }) => state), ['active']);
});
