'use strict';
// A worker thread: a number comes, its sum goes back.

const { parentPort } = require('worker_threads');
const { sumTo } = require('./sum');

parentPort.on('message', (n) => parentPort.postMessage(sumTo(n)));
