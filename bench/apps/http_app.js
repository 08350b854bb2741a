'use strict';
// The server under load. "prom on" and "prom off" on standard input switch what
// prom-client's default metrics do between scrapes (its event loop delay monitor and its
// observer of garbage collections); "scrape N" answers with the seconds that collecting
// the default metrics N times kept the loop busy, per time.
//
//   http_app.js PROM_CLIENT_MODULE

const http = require('http');
const perfHooks = require('perf_hooks');
const readline = require('readline');

// prom-client keeps these two to itself; they are caught as it creates them.
const monitors = [];
const observers = [];
const { monitorEventLoopDelay, PerformanceObserver } = perfHooks;
perfHooks.monitorEventLoopDelay = (options) => {
  const monitor = monitorEventLoopDelay(options);
  monitors.push(monitor);
  return monitor;
};
perfHooks.PerformanceObserver = class extends PerformanceObserver {
  observe(options) {
    if (!observers.some(([observer]) => observer === this)) observers.push([this, options]);
    super.observe(options);
  }
};

const prom = require(process.argv[2]);
prom.collectDefaultMetrics();
if (monitors.length === 0) throw new Error('prom-client made no event loop delay monitor');

function switchProm(on) {
  for (const monitor of monitors) {
    if (on) monitor.enable();
    else monitor.disable();
  }
  for (const [observer, options] of observers) {
    if (on) observer.observe(options);
    else observer.disconnect();
  }
}

async function scrape(count) {
  const begin = process.hrtime.bigint();
  for (let i = 0; i < count; i++) await prom.register.metrics();
  return Number(process.hrtime.bigint() - begin) / 1e9 / count;
}

const server = http.createServer((request, response) => {
  const body = JSON.stringify({ hello: 'world', path: request.url, at: Date.now() });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
});

const commands = {
  prom: (state) => switchProm(state === 'on'),
  scrape: async (count) => process.stdout.write(`scrape ${await scrape(Number(count))}\n`),
};
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, argument] = line.split(' ');
  commands[name](argument);
});

switchProm(false);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready ${server.address().port}\n`);
});
