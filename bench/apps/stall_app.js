'use strict';
// A server whose loop stalls several times a second, each time by the same work, so that a
// slower stall costs time and a stall is never shortened to make up for it.
//
//   stall_app.js PERIOD_MS STALL_MS

const http = require('http');

const [, , periodMs, stallMs] = process.argv.map(Number);
let sink = 0;

function priceOrders(rounds) {
  let sum = sink;
  for (let i = 0; i < rounds; i++) sum = (Math.imul(sum, 31) + i) | 0;
  sink = sum;
}

// The best of a few, once the optimizer is done with it.
function roundsPerMillisecond() {
  const rounds = 5e6;
  let best = Infinity;
  for (let i = 0; i < 20; i++) {
    const begin = process.hrtime.bigint();
    priceOrders(rounds);
    best = Math.min(best, Number(process.hrtime.bigint() - begin) / 1e6);
  }
  return rounds / best;
}

const rounds = Math.round(roundsPerMillisecond() * stallMs);
setInterval(() => priceOrders(rounds), periodMs);

const server = http.createServer((request, response) => {
  const body = JSON.stringify({ hello: 'world', path: request.url, at: Date.now() });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready ${server.address().port}\n`);
});
