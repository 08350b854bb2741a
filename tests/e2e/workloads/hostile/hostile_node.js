'use strict';
// A real Node whose stack and isolate show crafted words while it is blocked.
//
//   hostile_node.js ADDON
//
// "attack MODE TIMES MS" blocks that often and answers; "check" proves that nothing was
// broken: deep recursion, garbage collection and exceptions still work.

const { answer, serveCommands } = require('../lib/commands');

const attack = require(process.argv[2]);

function nested(depth, mode, milliseconds) {
  return depth > 0 ? nested(depth - 1, mode, milliseconds) : attack(mode, milliseconds);
}

function run(mode, times, milliseconds, done = 0) {
  if (done === times) {
    answer({ mode, done });
    return;
  }
  setTimeout(() => {
    if (!nested(done % 40, mode, milliseconds)) throw new Error(`no mode ${mode}`);
    run(mode, times, milliseconds, done + 1);
  }, 20);
}

function overflow() {
  return 1 + overflow();
}

function check() {
  let caught = 0;
  for (let i = 0; i < 20; i++) {
    try {
      overflow();
    } catch (error) {
      caught += error instanceof RangeError;
    }
  }
  const objects = Array.from({ length: 100000 }, (_, i) => ({ i }));
  const sum = objects.reduce((total, { i }) => total + i, 0);
  answer({ caught, sum });
}

serveCommands({
  attack: (mode, times, milliseconds) => run(mode, Number(times), Number(milliseconds)),
  check: () => setTimeout(check, 5),
});
