'use strict';
// A worker that listens nowhere: blocks its loop now and then.

function work(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end); // BLOCK
}

setInterval(() => work(120), 500);
console.log('ready');
process.stdin.on('end', () => process.exit(0)).resume();
