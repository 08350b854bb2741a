'use strict';
// Each request costs a few milliseconds and comes over a connection of its own. No turn of the
// loop is long, so its lag is low; but with Node 20 and later a turn accepts one connection, and
// once more clients come than turns, each waits for as many turns as there are clients before it.
//
//   node short_turns.js [kept]          /price is worked out anew each time, or kept

const { answerJson, serve } = require('./lib/serve');

const MILLISECONDS = 10;
const keep = process.argv[2] === 'kept';
let kept;

function priceAll() {
  const end = performance.now() + MILLISECONDS;
  let price = 0;
  while (performance.now() < end) price += 1;
  return price;
}

function price() {
  if (!keep) return priceAll();
  kept ??= priceAll();
  return kept;
}

serve({ '/price': (url, response) => answerJson(response, { price: price() }) });
