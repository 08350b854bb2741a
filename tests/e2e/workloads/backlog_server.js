'use strict';
// Listens with Node's default backlog (511). "block S" blocks the loop for S seconds
// asleep, so that nothing is accepted and no CPU is needed.

const net = require('net');
const { answer, serveCommands } = require('./lib/commands');

const server = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.resume();
});
server.listen(0, '127.0.0.1', () => {
  serveCommands({
    port: () => answer({ port: server.address().port }),
    block: (seconds) => {
      const cell = new Int32Array(new SharedArrayBuffer(4));
      answer({ blocking: true });
      setTimeout(() => {
        Atomics.wait(cell, 0, 0, Number(seconds) * 1000);
        setTimeout(() => answer({ blocking: false }), 20);
      }, 20);
    },
  });
});
