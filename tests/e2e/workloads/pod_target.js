'use strict';
// Listens, and on "burn MS" or "sleep MS" blocks its loop from a timer, computing or asleep.

const net = require('net');
const { burn } = require('./lib/burn');
const { answer, serveCommands } = require('./lib/commands');

const cell = new Int32Array(new SharedArrayBuffer(4));

function computeInPod(milliseconds) {
  burn(milliseconds);
}

function sleepInPod(milliseconds) {
  Atomics.wait(cell, 0, 0, milliseconds);
}

function blockBy(how) {
  return (milliseconds) =>
    setTimeout(() => {
      how(Number(milliseconds));
      // From a turn of its own: the stall has ended when it is answered.
      setTimeout(() => answer({ done: true }), 20);
    }, 20);
}

const server = net.createServer(() => {});
server.listen(0, '127.0.0.1', () => {
  serveCommands({
    port: () => answer({ port: server.address().port }),
    burn: blockBy(computeInPod),
    sleep: blockBy(sleepInPod),
  });
});
