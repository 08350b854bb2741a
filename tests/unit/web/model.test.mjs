import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loopKey, Model } from '../../../web/src/model.js';
import { loop, stall, state } from './loops.mjs';

const KEY = loopKey(loop());

function after(seconds, fields) {
  const model = new Model();
  model.setState(state(seconds, [loop(fields)]));
  model.setStalls([]);
  return model;
}

test('stalls are asked for when their number has grown', () => {
  const model = new Model();
  model.setState(state(100, [loop()]));
  assert.equal(model.stallsSince(), 0, 'the first time all');
  model.setStalls([stall(7, 90, 0.2), stall(6, 80, 0.2)]);
  model.setState(state(101, [loop()]));
  assert.equal(model.stallsSince(), null);
  model.setState(state(102, [loop({ stalls: 1 })]));
  assert.equal(model.stallsSince(), 7);
});

test('a stall is asked for again until its stack is settled', () => {
  const model = after(100);
  model.setStalls([stall(8, 99, 1, { in_progress: true }), stall(7, 90, 0.2)]);
  assert.equal(model.stallsSince(), 7);
  model.setStalls([stall(8, 99, 1.5)]);
  assert.equal(model.stallsSince(), 7, 'it has ended just now');
  assert.deepEqual(model.stalls.map((s) => [s.id, s.in_progress]), [[8, false], [7, false]]);
  model.setState(state(106, [loop()]));
  assert.equal(model.stallsSince(), null);
});

test('a very long stall is asked for now and then, and at once when it is over', () => {
  const model = new Model();
  const asked = [];
  for (let second = 1; second <= 60; second++) {
    model.setState(state(100 + second, [loop({ blocked_seconds: second })]));
    if (model.stallsSince() !== null) asked.push(second);
    model.setStalls([stall(8, 100, second, { in_progress: true })]);
  }
  assert.deepEqual(asked, [...Array.from({ length: 29 }, (_, i) => i + 1), 30, 40, 50, 60]);
  model.setState(state(161, [loop({ blocked_seconds: 0 })]));
  assert.equal(model.stallsSince(), 7);
});

test('stalls in progress come first, and end when they are pushed out', () => {
  const model = after(100);
  model.setStalls([stall(9, 99, 0.1), stall(5, 90, 10, { in_progress: true }), stall(4, 80, 1)]);
  assert.deepEqual(model.stalls.map((s) => s.id), [5, 9, 4]);
  model.setStalls([stall(10, 99, 0.1)], 4);
  assert.deepEqual(model.stalls.map((s) => [s.id, s.in_progress]),
    [[10, false], [9, false], [5, false], [4, false]]);
});

test('no more stalls are kept than are of use', () => {
  const model = after(100);
  for (let round = 0; round < 10; round++) {
    model.setStalls(Array.from({ length: 100 }, (_, i) => stall(100 * round + i, 90, 0.1)));
  }
  assert.equal(model.stalls.length, 300);
  assert.equal(model.stalls[0].id, 999);
});

test('a strip has its own loop\'s stalls of its window', () => {
  const model = after(1000);
  model.setStalls([
    stall(4, 999, 1, { in_progress: true }), stall(3, 990, 1, { pid: 43 }), stall(2, 885, 1),
    stall(1, 870, 1),
  ]);
  assert.deepEqual(model.stallsOf(KEY).map((s) => s.id), [4, 2]);
});

test('blocked loops come longest first, with the stall they are in', () => {
  const model = new Model();
  model.setState(state(100, [
    loop({ pid: 1, blocked_seconds: 0.02 }), loop({ pid: 2, blocked_seconds: 0.5 }),
    loop({ blocked_seconds: 3 }),
  ]));
  model.setStalls([stall(9, 97, 3, { in_progress: true, function: 'hot' }), stall(8, 90, 1)]);
  assert.deepEqual(model.blocked().map(({ now, stall: s }) => [now.pid, s?.function]),
    [[42, 'hot'], [2, undefined]]);
});

test('a loop is blocked by its own threshold', () => {
  const model = new Model();
  model.setState(state(100, [
    loop({ pid: 1, blocked_seconds: 0.1, stall_threshold_seconds: 0.2 }),
    loop({ pid: 2, blocked_seconds: 0.03, stall_threshold_seconds: 0.02 }),
  ]));
  assert.deepEqual(model.blocked().map(({ now }) => now.pid), [2]);
});

test('another exporter: the old figures and stalls are gone', () => {
  const model = after(100, { idle_seconds: 100, stalls: 3 });
  model.setStalls([stall(500, 99, 0.1)]);
  model.setState(state(101, [loop({ idle_seconds: 1 })]));
  assert.deepEqual(model.stalls, []);
  assert.equal(model.stallsSince(), 0);
  assert.equal(model.fleet.length, 1);
});

test('loops that ended are forgotten, and too many are not shown', () => {
  const model = after(100);
  model.setState(state(101, Array.from({ length: 600 }, (_, pid) => loop({ pid: pid + 1000 }))));
  assert.equal(model.loops.size, 500);
  assert.equal(model.leftOut, 100);
  assert.equal(model.loops.has(KEY), false);
  model.setState(state(102, []));
  assert.equal(model.loops.size, 0);
});

test('the fullest listener: of all, and of one process', () => {
  const listener = (pid, depth, limit) =>
    ({ process: 'api', pid, listener: `127.0.0.1:${pid}`, depth, limit, max: depth });
  const model = new Model();
  model.setState(state(100, [], [listener(1, 10, 511), listener(2, 100, 128), listener(1, 0, 5)]));
  model.setState(state(101, [], [listener(1, 10, 511), listener(2, 0, 128)]));
  assert.equal(model.fullestListener(null).now.pid, 2, 'it was in the window');
  assert.equal(model.fullestListener(1).now.pid, 1);
  assert.equal(model.fullestListener(3), null);
});
