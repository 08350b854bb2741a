'use strict';
// A listening socket that nobody accepts from, while the loop has nothing to do: clients
// see time-outs, and every graph of the process looks well. It happens when a service
// manager holds the socket and the program, told to wait for its database, does not come
// to accepting; here SIGUSR2 says that the database is there.
//
//   node full_backlog.js [open]          "open": the database is there at once
//
// The socket comes as descriptor 3, as from a service manager; started without one, the
// program opens it and starts itself again with it.

const { spawn } = require('child_process');
const http = require('http');
const net = require('net');
const { announce } = require('./lib/serve');

const BACKLOG = 64;
const SOCKET = 3;

// What a service manager does.
function startWithSocket() {
  const listener = net.createServer();
  const address = { host: '127.0.0.1', port: Number(process.env.PORT || 0), backlog: BACKLOG };
  listener.listen(address, () => {
    const program = spawn(process.execPath, [__filename, ...process.argv.slice(2)], {
      env: { ...process.env, LISTEN_FDS: '1' },
      stdio: ['ignore', 'inherit', 'inherit', listener._handle.fd, 'ipc'],
    });
    announce(listener);
    listener.close(); // the child's is another descriptor of the same socket
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR2']) {
      process.on(signal, () => program.kill(signal));
    }
    program.on('exit', (code) => process.exit(code ?? 0));
  });
}

function openForBusiness() {
  const server = http.createServer((request, response) => response.end('hello\n'));
  server.listen({ fd: SOCKET });
}

if (!process.env.LISTEN_FDS) {
  startWithSocket();
} else {
  process.on('disconnect', () => process.exit(0)); // never without its service manager
  process.once('SIGUSR2', openForBusiness);
  if (process.argv[2] === 'open') openForBusiness();
}
