'use strict';

// Keeps the CPU busy and returns the nanoseconds it really took.
function burn(milliseconds) {
  const begin = process.hrtime.bigint();
  const end = begin + BigInt(Math.round(milliseconds * 1e6));
  let now;
  do {
    now = process.hrtime.bigint();
  } while (now < end);
  return Number(now - begin);
}

module.exports = { burn };
