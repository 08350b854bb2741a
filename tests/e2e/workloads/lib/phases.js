'use strict';
// Runs a function in a chosen phase of the loop. What runs where was verified on Node 18,
// 20, 22, 24 and 26 with a debugger's eyes: the call that uv_run was in, on its stack.

const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');

const zeroFd = fs.openSync('/dev/zero', 'r');
const missingSocket = path.join(os.tmpdir(), `loopscope-missing-${process.pid}`, 'socket');

// A stream server of our own: a client that destroys its end gets 'close' in closing.
function openCloser() {
  return new Promise((resolve) => {
    const server = net.createServer((peer) => {
      peer.on('error', () => {});
      peer.resume();
    });
    server.listen(0, '127.0.0.1', () => {
      server.unref();
      const { port } = server.address();
      resolve((fn) => {
        const socket = net.connect(port, '127.0.0.1', () => {
          socket.once('close', fn);
          socket.destroy();
        });
      });
    });
  });
}

async function openPhases() {
  const closing = await openCloser();
  const buffer = Buffer.alloc(1);
  return {
    timers: (fn) => setTimeout(fn, 1),
    // uv_pipe_connect reports ENOENT through the pending queue.
    pending: (fn) => net.connect(missingSocket).once('error', fn),
    // The thread pool's result arrives through an eventfd: a poll callback.
    poll: (fn) => fs.read(zeroFd, buffer, 0, 1, 0, fn),
    check: (fn) => setImmediate(fn),
    closing,
  };
}

module.exports = { openPhases };
