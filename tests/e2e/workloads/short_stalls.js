'use strict';
// run TIMES MS GAP: blocks so often for so long, with timers of GAP ms between.

const { answer, serveCommands } = require('./lib/commands.js');

function blockingFunction(milliseconds) {
  const end = performance.now() + milliseconds;
  let n = 0;
  while (performance.now() < end) n += Math.sqrt(n + 1);
  return n;
}

serveCommands({
  run(times, milliseconds, gap) {
    let left = Number(times);
    (function next() {
      if (left-- === 0) return answer({ done: Number(times) });
      blockingFunction(Number(milliseconds));
      setTimeout(next, Number(gap));
    })();
  },
});
