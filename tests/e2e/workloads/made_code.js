'use strict';
// Blocks the loop once per command, "KIND MS", from a timer, in code that is not as its file
// says: "own" is; "compiled" has lost the types' lines, "blanked" has blanks for them; "view"
// is made at run time and says a file by a sourceURL, "bundled" a URL, "made" nothing at all.
// Files are written to the directory of the first argument.

const fs = require('fs');
const Module = require('module');
const path = require('path');
const { answer, serveCommands } = require('./lib/commands');

const directory = process.argv[2];
const TYPED = [
  'interface Query {',
  '  ms: number;',
  '}',
  'module.exports = function rankOffers(q: Query) {',
  '  const end = performance.now() + q.ms;',
  '  let n = 0;',
  '  while (performance.now() < end) n += Math.sqrt(n + 1);',
  '  return n;',
  '};',
];

function typed(name, lines) {
  const file = path.join(directory, name);
  fs.writeFileSync(file, TYPED.join('\n') + '\n');
  const made = new Module(file);
  made._compile(lines.join('\n') + '\n', file);
  return made.exports;
}

const withoutTypes = (line) => line.replace(': Query', ' '.repeat(7));
const body = 'const end = performance.now() + ms;\nwhile (performance.now() < end);';

function view() {
  const file = path.join(directory, 'list.ejs');
  fs.writeFileSync(file, '<ul></ul>\n');
  return new Function('ms', `${body}\n//# sourceURL=${file}`);
}

const blockers = {
  own(ms) {
    const end = performance.now() + ms;
    while (performance.now() < end);
  },
  compiled: ((rank) => (ms) => rank({ ms }))(
    typed('compiled.ts', TYPED.slice(3).map((line) => line.replace(': Query', '')))),
  blanked: ((rank) => (ms) => rank({ ms }))(
    typed('blanked.ts', TYPED.map((line, i) => (i < 3 ? ' '.repeat(line.length) : withoutTypes(line))))),
  view: view(),
  bundled: (0, eval)(`(function priceAll(ms) {\n${body}\n})\n//# sourceURL=webpack://shop/./orders.js`),
  made: (0, eval)(`(function nameless(ms) {\n${body}\n})`),
};

const handlers = {};
for (const [name, block] of Object.entries(blockers)) {
  handlers[name] = (ms) => {
    // Called by the timer itself: no function of this file is on the stack.
    setTimeout(block, 1, Number(ms));
    setTimeout(() => answer({ done: name }), 2);
  };
}
serveCommands(handlers);
