// The program of the trials' pods.
//
//   /            answers with its version
//   /block?ms=N  blocks its loop for N ms in a function of a known name
//   /end?code=N  answers, then ends
//   /hoard       takes memory until it is stopped
//
// PORT: where it listens (3000). BLOCK_MS: block once for so long after a second, and end with
// code 0 a second later, as a Job does.
'use strict';

const http = require('http');

const port = Number(process.env.PORT || 3000);

function blockOnPurpose(ms) {
  const end = Date.now() + ms;
  let sum = 0;
  while (Date.now() < end) sum = (sum * 31 + 7) % 1000003;
  return sum;
}

function hoard() {
  const kept = [];
  setInterval(() => kept.push(Buffer.alloc(16 << 20, 1)), 20);
}

const paths = {
  '/block': (query) => blockOnPurpose(Number(query.get('ms'))),
  '/end': (query) => setTimeout(() => process.exit(Number(query.get('code'))), 50),
  '/hoard': hoard,
};

const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://pod');
  paths[url.pathname]?.(url.searchParams);
  response.end(`${process.version}\n`);
});
process.on('SIGTERM', () => process.exit(0));
server.listen(port, () => console.log(`listening on ${port}`));

if (process.env.BLOCK_MS) {
  setTimeout(() => {
    blockOnPurpose(Number(process.env.BLOCK_MS));
    setTimeout(() => process.exit(0), 1000);
  }, 1000);
}
