'use strict';
// On "go SECONDS SEED": burns 15 % of the time in timers, 10 % in check, 20 % in poll
// callbacks and 5 % in closing, in slices of 1-8 ms, and idles the rest. Answers with the
// seconds it really burned in each phase and the wall time.

const { burn } = require('./lib/burn');
const { answer, serveCommands } = require('./lib/commands');
const { openPhases } = require('./lib/phases');
const { randomFrom } = require('./lib/random');

const SHARES = { timers: 0.15, check: 0.1, poll: 0.2, closing: 0.05 };
const BUSY = Object.values(SHARES).reduce((a, b) => a + b);

function pick(random) {
  let left = random() * BUSY;
  for (const [name, share] of Object.entries(SHARES)) {
    left -= share;
    if (left < 0) return name;
  }
  return 'timers';
}

function run(phases, seconds, seed) {
  const random = randomFrom(seed);
  const ns = Object.fromEntries(Object.keys(SHARES).map((name) => [name, 0]));
  const begin = process.hrtime.bigint();
  let busy = 0;

  const next = () => {
    const wall = Number(process.hrtime.bigint() - begin);
    if (wall >= seconds * 1e9) {
      answer({ wall_seconds: wall / 1e9, ns });
      return;
    }
    // Idle until the busy share is what it should be, then burn the next slice.
    const idle = Math.max(1, (busy / BUSY - wall) / 1e6);
    const name = pick(random);
    setTimeout(() => {
      phases[name](() => {
        const spent = burn(1 + random() * 7);
        ns[name] += spent;
        busy += spent;
        next();
      });
    }, idle);
  };
  next();
}

openPhases().then((phases) => {
  serveCommands({ go: (seconds, seed) => run(phases, Number(seconds), Number(seed)) });
});
