'use strict';
// The harness steers a workload with one line of text per command on standard input
// and reads one line of JSON per answer from standard output.

const readline = require('readline');

function answer(value) {
  process.stdout.write(JSON.stringify(value) + '\n');
}

function serveCommands(handlers) {
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const [name, ...rest] = line.split(' ');
    handlers[name](...rest);
  });
  lines.on('close', () => process.exit(0));
  process.stdout.write('ready\n');
}

module.exports = { answer, serveCommands };
