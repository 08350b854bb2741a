'use strict';
// A process called TITLE that blocks on "spin MS" in a function of an ordinary name, and on
// "evil MS" in one whose name a terminal would obey.

const { answer, serveCommands } = require('./lib/commands');

process.title = process.argv[2];

const name = '\u001b]0;owned\u0007\u001b[2J\u202eevil\u8a08\u7b97' + 'x'.repeat(2_000_000);

function computeTotals(milliseconds) {
  const end = Date.now() + milliseconds;
  let turns = 0;
  while (Date.now() < end) turns += 1;
  return turns;
}

const evil = {
  [name](milliseconds) {
    const end = Date.now() + milliseconds;
    let turns = 0;
    while (Date.now() < end) turns += 1;
    return turns;
  },
}[name];

// From a timer, so that the command's own turn of the loop is over.
const later = (block) => (milliseconds) =>
  setTimeout(() => answer({ turns: block(Number(milliseconds)) }), 5);

serveCommands({ spin: later(computeTotals), evil: later(evil) });
