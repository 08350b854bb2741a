'use strict';
// The worker thread that blocks its own loop: answers with begin and end of each block.

const { parentPort } = require('worker_threads');

const ROUNDS = 20000;
let sink = 0;

// begin workerSpin
function workerSpin(until) {
  let x = 1;
  while (Date.now() < until) {
    for (let i = 0; i < ROUNDS; i++) x = (Math.imul(x, 61) + i) | 0;
  }
  sink += x;
}
// end workerSpin

parentPort.on('message', (milliseconds) => {
  const begin = Date.now();
  workerSpin(begin + milliseconds);
  parentPort.postMessage({ begin, end: Date.now() });
});
parentPort.postMessage('started');
