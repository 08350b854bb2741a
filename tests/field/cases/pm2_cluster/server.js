'use strict';
// A server that PM2 runs twice. Each request blocks its worker and says which one that is.
const http = require('http');

function chargeCards() {
  const end = Date.now() + 600;
  while (Date.now() < end); // HERE
}

http
  .createServer((request, response) => {
    chargeCards();
    response.setHeader('connection', 'close');
    response.end(`${process.env.NODE_APP_INSTANCE} ${process.pid}\n`);
  })
  .listen(Number(process.env.PORT), '127.0.0.1');
