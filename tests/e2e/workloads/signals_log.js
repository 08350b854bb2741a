'use strict';
// signals_log.js FILE: an HTTP server that writes each SIGINT and SIGTERM it gets to FILE and
// takes its time to end, as servers do that finish what they are at. Reads a line from standard
// input if it is asked to: "echo".

const fs = require('node:fs');
const http = require('node:http');

const [, , file, mode] = process.argv;
const server = http.createServer((request, response) => response.end('ok'));
for (const name of ['SIGINT', 'SIGTERM']) {
  process.on(name, () => {
    fs.appendFileSync(file, `${name}\n`);
    setTimeout(() => process.exit(0), 400);
  });
}
if (mode === 'echo') {
  process.stdin.once('data', (data) => fs.appendFileSync(file, `read ${String(data).trim()}\n`));
}
server.listen(0, '127.0.0.1', () => {
  fs.appendFileSync(file, `ready ${process.pid}\n`);
});
