'use strict';
// A child process: {id, n} comes, {id, sum} goes back. It ends with its parent.

const { sumTo } = require('./sum');

process.on('message', ({ id, n }) => process.send({ id, sum: sumTo(n) }));
process.on('disconnect', () => process.exit(0));
