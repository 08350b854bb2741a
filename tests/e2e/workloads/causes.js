'use strict';
// Blocks the loop once per command, each for a reason of its own: "spin S", "fifo PATH",
// "execSync S", "atomicsWait S", "gcStorm S". Answers with the seconds taken and what the
// kernel (schedstat of the loop's thread) and V8 (gc events) say they went to.

const childProcess = require('child_process');
const fs = require('fs');
const { PerformanceObserver } = require('perf_hooks');
const { burn } = require('./lib/burn');
const { answer, serveCommands } = require('./lib/commands');

// A live set that is large and changes, so that most of the time goes into collections.
function gcStorm(seconds) {
  const live = new Array(400000);
  const end = process.hrtime.bigint() + BigInt(Math.round(Number(seconds) * 1e9));
  for (let i = 0; (i & 1023) !== 0 || process.hrtime.bigint() < end; i++) {
    live[(i * 7919) % live.length] = { next: live[i % live.length], data: [i, i, i, i] };
    if (i % 8 === 0) live[(i * 31) % live.length] = null;
  }
}

const blockers = {
  spin: (seconds) => burn(Number(seconds) * 1000),
  fifo: (path) => fs.readFileSync(path),
  execSync: (seconds) => childProcess.execSync(`sleep ${seconds}`),
  atomicsWait: (seconds) => {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(cell, 0, 0, Number(seconds) * 1000);
  },
  gcStorm,
};

let collected = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) collected += entry.duration / 1000;
}).observe({ entryTypes: ['gc'] });

function schedstat() {
  const [run, wait] = fs.readFileSync('/proc/self/schedstat', 'ascii').split(' ');
  return { run: Number(run) / 1e9, wait: Number(wait) / 1e9 };
}

const timed = (block) => (argument) => {
  // From a timer, so that the command's own turn of the loop is over.
  setTimeout(() => {
    collected = 0;
    const before = schedstat();
    const begin = process.hrtime.bigint();
    block(argument);
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    const after = schedstat();
    // Later, so that the answer is written by a turn of its own and gc events have come.
    setTimeout(() => {
      answer({
        seconds,
        run: after.run - before.run,
        wait: after.wait - before.wait,
        gc: collected,
      });
    }, 100);
  }, 50);
};

serveCommands(
  Object.fromEntries(Object.entries(blockers).map(([name, block]) => [name, timed(block)])),
);
