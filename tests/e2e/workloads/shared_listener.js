'use strict';
// A cluster whose workers have one listening socket together (SCHED_NONE). "port" answers with
// it and the workers' pids, "block S" blocks every worker for S seconds, asleep.

const cluster = require('cluster');
const net = require('net');
const { answer, serveCommands } = require('./lib/commands');

const WORKERS = 2;
cluster.schedulingPolicy = cluster.SCHED_NONE;

if (cluster.isPrimary) {
  const workers = [];
  let blocking = 0;
  cluster.on('listening', (worker, address) => {
    workers.push(worker);
    worker.on('message', () => {
      if (++blocking === WORKERS) answer({ blocking: true });
    });
    if (workers.length < WORKERS) return;
    serveCommands({
      port: () => answer({ port: address.port, pids: workers.map((w) => w.process.pid) }),
      block: (seconds) => workers.forEach((w) => w.send(Number(seconds))),
    });
  });
  for (let i = 0; i < WORKERS; i++) cluster.fork();
} else {
  // A worker must not outlive its primary, which the harness kills.
  process.on('disconnect', () => process.exit(0));
  process.on('message', (seconds) => {
    process.send('blocking', () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
    });
  });
  net.createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
}
