import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLUMN, LoopHistory, Ring } from '../../../web/src/history.js';
import { PHASES } from '../../../web/src/phases.js';
import { loop } from './loops.mjs';

test('a ring keeps the newest rows and no more', () => {
  const ring = new Ring(3, 2);
  assert.ok(Number.isNaN(ring.last(0)));
  for (let i = 1; i <= 5; i++) ring.push([i, 10 * i]);
  assert.equal(ring.length, 3);
  assert.deepEqual(ring.column(0), [3, 4, 5]);
  assert.deepEqual(ring.column(1), [30, 40, 50]);
  assert.equal(ring.at(0, 1), 30);
  assert.equal(ring.last(1), 50);
});

test('the first answer says nothing of what happened between two', () => {
  const history = new LoopHistory(10);
  assert.ok(history.add(100, loop({ active_seconds: 5 })));
  assert.equal(history.ring.length, 0);
});

test('an interval has the growth of the counters', () => {
  const history = new LoopHistory(10);
  history.add(100, loop({ active_seconds: 5, idle_seconds: 50 }, { timers: 5, poll_wait: 50 }));
  history.add(101, loop({
    active_seconds: 5.25, idle_seconds: 50.75, blocked_seconds: 0.2, lag_max_seconds: 0.3,
    lag: { sum_seconds: 0.05, count: 1000, over_100ms: 30 },
  }, { timers: 5.25, poll_wait: 50.75 }));
  const last = (column) => history.ring.last(column);
  assert.equal(last(COLUMN.begin), 100);
  assert.equal(last(COLUMN.end), 101);
  assert.equal(last(COLUMN.busy), 0.25);
  assert.equal(last(COLUMN.lagMean), 0.00005);
  assert.equal(last(COLUMN.late), 0.03);
  assert.equal(last(COLUMN.blocked), 0.2);
  assert.equal(last(COLUMN.lagMax), 0.3);
  assert.equal(last(COLUMN.phases + PHASES.indexOf('timers')), 0.25);
  assert.equal(last(COLUMN.phases + PHASES.indexOf('poll_wait')), 0.75);
});

test('no arrivals: no share of them', () => {
  const history = new LoopHistory(10);
  history.add(100, loop({ idle_seconds: 1 }));
  history.add(101, loop({ idle_seconds: 2 }));
  assert.ok(Number.isNaN(history.ring.last(COLUMN.late)));
  assert.ok(Number.isNaN(history.recent(COLUMN.late, 10)));
  assert.equal(history.recent(COLUMN.busy, 10), 0);
});

test('the same instant twice is one', () => {
  const history = new LoopHistory(10);
  for (const time of [100, 100, 100]) history.add(time, loop());
  assert.equal(history.ring.length, 0);
});

test('counters that go down are another loop', () => {
  const history = new LoopHistory(10);
  history.add(100, loop({ idle_seconds: 50 }));
  assert.equal(history.add(101, loop({ idle_seconds: 1 })), false);
});
