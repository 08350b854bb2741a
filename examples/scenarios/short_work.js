'use strict';
// A healthy server: every 300 ms it computes for a few tens of milliseconds. With too
// small a CPU quota, or neighbours that take the CPU, the same work takes many times as
// long, and no change of the code would help:
//
//   systemd-run --scope -p CPUQuota=20% node short_work.js [MILLISECONDS]

const { serve } = require('./lib/serve');
const { sumTo } = require('./lib/sum');

const milliseconds = Number(process.argv[2]) || 25;

// Measured in CPU time: waiting for the CPU is no work.
function work() {
  const begin = process.cpuUsage();
  let used;
  do {
    sumTo(1e5);
    const { user, system } = process.cpuUsage(begin);
    used = (user + system) / 1000;
  } while (used < milliseconds);
}

setInterval(work, 300);
serve({});
