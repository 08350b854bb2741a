import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopHistory } from '../../../web/src/history.js';
import { BUSY_PHASES, look, PHASES } from '../../../web/src/phases.js';
import { columns, summary } from '../../../web/src/strip.js';
import { loop } from './loops.mjs';

const TIMERS = PHASES.indexOf('timers');
const WAIT = PHASES.indexOf('poll_wait');
const WORDS = {
  label: (phase) => phase, percent: (s) => `${Math.round(100 * s)} %`,
  duration: (s) => `${s} s`, plural: (n, one) => `${n} ${one}`,
};

// Two seconds: timers for 0.6 of the first, nothing in the second.
function twoSeconds() {
  const history = new LoopHistory(10);
  const watched = (timers, poll_wait) =>
    loop({ active_seconds: timers, idle_seconds: poll_wait }, { timers, poll_wait });
  history.add(100, watched(0, 0));
  history.add(101, watched(0.6, 0.4));
  history.add(102, watched(0.6, 1.4));
  return history.ring;
}

const rounded = (x) => Math.round(x * 1000) / 1000;

test('shares of the phases, a column per interval', () => {
  const [first, second] = columns(twoSeconds(), [], 0, 200);
  assert.deepEqual([first.begin, first.end], [100, 101]);
  assert.equal(rounded(first.shares[TIMERS]), 0.6);
  assert.equal(rounded(first.shares[WAIT]), 0.4);
  assert.equal(second.shares[WAIT], 1);
});

test('time in a stall is not drawn twice', () => {
  const stall = { phase: 'timers', begin: 100.2, end: 100.7, in_progress: false };
  const [first, second] = columns(twoSeconds(), [stall], 0, 200);
  assert.equal(rounded(first.shares[TIMERS]), 0.2, '0.1 s of what is left, 0.5 s');
  assert.equal(second.shares[WAIT], 1);
});

test('a stall in progress lasts until now', () => {
  const stall = { phase: 'timers', begin: 100.4, end: 100.5, in_progress: true };
  const [first] = columns(twoSeconds(), [stall], 0, 101);
  assert.equal(first.shares[TIMERS], 0);
});

test('only what is in the window', () => {
  assert.equal(columns(twoSeconds(), [], 101, 200).length, 1);
  assert.equal(columns(twoSeconds(), [], 0, 100).length, 0);
});

test('the strip in words', () => {
  assert.equal(summary(new LoopHistory(3).ring, [], WORDS), 'no figures yet');
  assert.equal(summary(twoSeconds(), [{ duration_seconds: 0.5 }], WORDS),
    'last two minutes: poll_wait 70 %, timers 30 %; 1 stall, the longest 0.5 s');
});

test('no two phases look alike, with colours or without', () => {
  const busy = BUSY_PHASES.map(look);
  for (const aspect of ['colour', 'pattern', 'label']) {
    assert.equal(new Set(busy.map((l) => l[aspect])).size, busy.length, aspect);
  }
  assert.equal(look('something new'), look('unknown'));
});
