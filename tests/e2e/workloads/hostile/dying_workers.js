'use strict';
// Worker threads that are ended in the middle of a stall. "start" starts one and answers;
// "end MS" lets it block and terminates it after MS ms.

const { Worker, isMainThread, parentPort } = require('worker_threads');
const { answer, serveCommands } = require('../lib/commands');

function block() {
  let x = 1;
  for (;;) x = (Math.imul(x, 31) + 7) | 0;
}

if (isMainThread) {
  let worker = null;
  serveCommands({
    start: () => {
      worker = new Worker(__filename);
      worker.once('message', () => answer({ started: true }));
    },
    end: (milliseconds) => {
      worker.postMessage('block');
      setTimeout(async () => {
        await worker.terminate();
        answer({ ended: true });
      }, Number(milliseconds));
    },
  });
} else {
  parentPort.on('message', block);
  parentPort.postMessage('started');
}
