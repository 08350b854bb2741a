'use strict';
// compute.js not healed but spread: four processes on one port. Each /compute still blocks
// the loop that got it, and the requests that this one is given meanwhile.
//
//   node compute_cluster.js [WORKERS]

const cluster = require('cluster');

const WORKERS = Number(process.argv[2]) || 4;

if (cluster.isPrimary) {
  let listening = 0;
  cluster.on('listening', (worker, { address, port }) => {
    if (++listening === WORKERS) {
      process.stdout.write(`listening on http://${address}:${port}\n`);
    }
  });
  for (let i = 0; i < WORKERS; i++) cluster.fork();
} else {
  process.stdout.write = () => true; // the primary says when all of them listen
  process.on('disconnect', () => process.exit(0));
  require('./compute.js');
}
