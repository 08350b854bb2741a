'use strict';

// The work of every compute example: long, synchronous, and nothing but arithmetic.
function sumTo(n) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += i;
  return sum;
}

module.exports = { sumTo };
