'use strict';
// compute.js healed: /compute answers at once with where the sum will be (202 and a
// Location); one consumer process works the queue off, one job after another.

const { fork } = require('child_process');
const path = require('path');
const { answerJson, limitOf, serve } = require('./lib/serve');

const KEPT = 1000; // finished jobs

const jobs = new Map();
let last = 0;
const consumer = fork(path.join(__dirname, 'lib', 'sum_child.js'));

consumer.on('message', ({ id, sum }) => {
  jobs.set(id, { id, done: true, sum });
  jobs.delete(id - KEPT);
});

serve({
  '/compute': (url, response) => {
    const id = ++last;
    jobs.set(id, { id, done: false });
    consumer.send({ id, n: limitOf(url) });
    answerJson(response, { id }, 202, { location: `/jobs/${id}` });
  },
  '/jobs/': (url, response) => {
    const job = jobs.get(Number(url.pathname.slice('/jobs/'.length)));
    if (job) answerJson(response, job);
    else answerJson(response, { error: 'no such job' }, 404);
  },
});
