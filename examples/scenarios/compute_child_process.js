'use strict';
// compute.js healed: each sum is done by a child process of its own.

const { fork } = require('child_process');
const path = require('path');
const { answerJson, limitOf, serve } = require('./lib/serve');

const program = path.join(__dirname, 'lib', 'sum_child.js');

serve({
  '/compute': (url, response) => {
    const child = fork(program);
    child.once('message', ({ sum }) => {
      child.disconnect();
      answerJson(response, { sum });
    });
    child.send({ id: 0, n: limitOf(url) });
  },
});
