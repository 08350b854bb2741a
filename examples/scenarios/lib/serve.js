'use strict';
// An HTTP server of a few routes: {'/path': (url, response) => ...}; "/" says hello at once.
// It listens on $PORT, or on any free port, and prints "listening on http://HOST:PORT".

const http = require('http');

const hello = (url, response) => response.end('hello\n');
const missing = (url, response) => response.writeHead(404).end('no such path\n');

function answerJson(response, value, status = 200, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value) + '\n');
}

// How far /compute?n=N sums.
function limitOf(url) {
  return Number(url.searchParams.get('n') || 1e9);
}

function announce(server) {
  const { address, port } = server.address();
  process.stdout.write(`listening on http://${address}:${port}\n`);
}

function serve(routes) {
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    // The longest route that the path begins with.
    const name = Object.keys(routes)
      .filter((route) => url.pathname.startsWith(route))
      .sort((a, b) => b.length - a.length)[0];
    const route = name ? routes[name] : url.pathname === '/' ? hello : missing;
    route(url, response);
  });
  server.listen(Number(process.env.PORT || 0), '127.0.0.1', () => announce(server));
  return server;
}

module.exports = { announce, answerJson, limitOf, serve };
