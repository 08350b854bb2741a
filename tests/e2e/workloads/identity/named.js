'use strict';
// Listens, and does as it is told: "title TEXT" renames the process, "block MS" blocks its loop
// in stallHere(), "exec NODE SCRIPT" runs another program under the same pid.

function stallHere(ms) {
  const end = performance.now() + ms;
  let rounds = 0;
  while (performance.now() < end) rounds += 1; // BLOCK
  return rounds;
}

const commands = {
  title: (text) => { process.title = text; },
  block: (ms) => { setTimeout(() => { stallHere(Number(ms)); console.log('blocked'); }, 50); },
  exec: (node, script) => process.execve(node, [node, script], { ...process.env }),
};

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, ...words] = line.split(' ');
  commands[name](...words);
}).on('close', () => process.exit(0));
if (process.argv[2] && process.argv[2] !== '--') process.title = process.argv[2];
require('http').createServer((_, response) => response.end('ok'))
  .listen(0, '127.0.0.1', () => console.log('ready'));
