'use strict';
// Blocks the loop in many ways, each in a function whose name and place are known.
//
//   culprits.js SCRATCH_FOLDER
//
// "kinds": every kind with its loop and the places of which one is right. "run KIND TIMES MIN
// MAX [GAP]": blocks TIMES times for MIN to MAX ms, each in a timer of its own with idle gaps
// around it; prints "block KIND BEGIN" before each and answers with the true begins and ends
// (ms of the system clock). "idle MS" does nothing for that long.

const path = require('path');
const { Worker } = require('worker_threads');
const { answer, serveCommands } = require('../lib/commands');
const { randomFrom } = require('../lib/random');
const computing = require('./computing');
const native = require('./native');
const { places } = require('./truth');
const { writeBundle } = require('./bundle');

const [, , scratch] = process.argv;
const GAP_MS = 30;
const random = randomFrom(31);
const kinds = new Map();

function add(kind, block, right, loop = 'main') {
  kinds.set(kind, { block, loop, right });
}

function addFile({ file, kinds: inFile }) {
  const known = places(file);
  for (const [kind, [block, names]] of Object.entries(inFile)) {
    add(kind, block, names.map((name) => known.get(name)));
  }
}

const now = () => performance.timeOrigin + performance.now();

async function addModule() {
  const file = path.join(__dirname, 'es_module.mjs');
  const { moduleSpin } = await import(file);
  add('es_module', moduleSpin, [places(file).get('moduleSpin')]);
}

async function addWorker() {
  const file = path.join(__dirname, 'worker.js');
  const worker = new Worker(file);
  await new Promise((resolve) => worker.once('message', resolve));
  const block = (until) =>
    new Promise((resolve) => {
      worker.once('message', resolve);
      worker.postMessage(Math.round(until - Date.now()));
    });
  add('worker_thread', block, [places(file).get('workerSpin')], 'worker-1');
}

function run(kind, times, min, max, gap, blocks = []) {
  if (times === 0) {
    answer({ kind, blocks });
    return;
  }
  setTimeout(() => {
    const begin = now();
    const milliseconds = min + Math.floor(random() * (max - min + 1));
    process.stdout.write(`block ${kind} ${begin}\n`);
    const result = kinds.get(kind).block(Math.round(begin + milliseconds));
    // No `await` for what is over already: that would be a turn of microtasks too many.
    if (result instanceof Promise) {
      result.then((own) => next(own || { begin, end: now() }));
    } else {
      next({ begin, end: now() });
    }
  }, gap);

  function next(block) {
    blocks.push(block);
    setTimeout(run, gap, kind, times - 1, min, max, gap, blocks);
  }
}

async function main() {
  addFile(computing);
  addFile(native);
  native.prepare(scratch);
  const bundle = writeBundle(scratch);
  add('bundle', bundle.spin, [bundle.place]);
  await addModule();
  await addWorker();
  serveCommands({
    kinds: () =>
      answer(Object.fromEntries([...kinds].map(([kind, { loop, right }]) => [kind, { loop, right }]))),
    run: (kind, times, min, max, gap = GAP_MS) =>
      run(kind, Number(times), Number(min), Number(max), Number(gap)),
    idle: (milliseconds) => setTimeout(() => answer({ idle: true }), Number(milliseconds)),
  });
}

main();
