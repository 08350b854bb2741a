'use strict';
// A main thread and as many workers as argv[2] says. "block MS" blocks all their loops at once,
// each in a function of its own: blockMain here, blockWorker1, blockWorker2... in workers.

const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { answer, serveCommands } = require('./lib/commands');

// Each is a function of its own to V8, in a script of that name.
function blocker(name) {
  const text = `(function ${name}(end) {\n  while (Date.now() < end);\n})`;
  return require('vm').runInThisContext(text, { filename: `/many/${name}.js` });
}

if (isMainThread) {
  const blockMain = blocker('blockMain');
  const workers = Array.from({ length: Number(process.argv[2]) }, (_, i) => {
    return new Worker(__filename, { workerData: { name: `blockWorker${i + 1}` } });
  });
  const allSay = (what) =>
    Promise.all(workers.map((worker) => new Promise((done) => worker.once('message', done)))).then(
      () => what && answer({ said: what }),
    );
  allSay('').then(() => {
    serveCommands({
      block: (ms) => {
        const ended = allSay('ended');
        for (const worker of workers) worker.postMessage(Number(ms));
        setTimeout(() => blockMain(Date.now() + Number(ms)), 1);
        return ended;
      },
    });
  });
} else {
  const block = blocker(workerData.name);
  parentPort.on('message', (ms) => {
    block(Date.now() + ms);
    parentPort.postMessage('ended');
  });
  parentPort.postMessage('ready');
}
