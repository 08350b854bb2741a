'use strict';
// Writes its log to a pipe, synchronously, as process.stdout is for files and consoles. Whoever
// should read the pipe has stopped reading.
const fs = require('fs');

const pipe = fs.openSync(process.argv[2], 'r+'); // "r+": opening waits for nobody

function shipLog(lines) {
  const begin = performance.now();
  for (let line = 0; line < lines; line++) {
    fs.writeSync(pipe, 'a line of a log '.repeat(64)); // HERE
  }
  return performance.now() - begin;
}

setTimeout(() => {
  const milliseconds = shipLog(100); // 100 KiB: more than a pipe holds
  process.stdout.write(`wrote for ${milliseconds.toFixed(0)} ms\n`);
}, 2500);
setInterval(() => {}, 1000);
process.stdout.write('ready\n');
