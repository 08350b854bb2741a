'use strict';
// compute.js healed: the sum is done by a worker thread, which stays for the next one.

const path = require('path');
const { Worker } = require('worker_threads');
const { answerJson, limitOf, serve } = require('./lib/serve');

const worker = new Worker(path.join(__dirname, 'lib', 'sum_worker.js'));
const waiting = []; // it answers in the order in which it was asked
worker.on('message', (sum) => answerJson(waiting.shift(), { sum }));

serve({
  '/compute': (url, response) => {
    waiting.push(response);
    worker.postMessage(limitOf(url));
  },
});
