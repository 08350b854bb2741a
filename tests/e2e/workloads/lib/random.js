'use strict';

// A small seeded generator (a 32-bit linear congruential one, high bits used): the same
// order of stalls on every run and every version.
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 0x100000000;
  };
}

module.exports = { randomFrom };
