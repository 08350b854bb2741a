'use strict';
// /read takes a line from a FIFO whose writer is slow: fs.readFileSync() sleeps on the
// loop. With "async" the same read is done by the thread pool and the loop is free.
// A file on a network share that hangs looks just like it.
//
//   mkfifo /tmp/slow; node slow_fifo.js /tmp/slow [async]
//   curl http://127.0.0.1:PORT/read & sleep 2; echo late > /tmp/slow

const fs = require('fs');
const { serve } = require('./lib/serve');

const [path, how] = process.argv.slice(2);
if (!path) {
  process.stderr.write('usage: node slow_fifo.js FIFO [async]\n');
  process.exit(2);
}

function readSlowFile(url, response) {
  response.end(fs.readFileSync(path));
}

function readSlowFileLater(url, response) {
  fs.readFile(path, (error, text) => {
    response.end(error ? error.message : text);
  });
}

serve({ '/read': how === 'async' ? readSlowFileLater : readSlowFile });
