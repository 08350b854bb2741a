'use strict';
// The server of many articles about blocked event loops: /compute sums to 1e9 on the loop,
// and "/", which has nothing to do with it, waits until that is done.
//
//   node compute.js          /compute?n=N sums to N

const { answerJson, limitOf, serve } = require('./lib/serve');
const { sumTo } = require('./lib/sum');

serve({
  '/compute': (url, response) => answerJson(response, { sum: sumTo(limitOf(url)) }),
});
