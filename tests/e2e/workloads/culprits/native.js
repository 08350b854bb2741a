'use strict';
// Ways of blocking the loop outside JavaScript: in V8's runtime, in Node's native code, in
// a system call. The culprit is the function here that asked for it.

const childProcess = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const zlib = require('zlib');

let sink = 0;

// One shell for all FIFOs, started before anything is measured: the time from the order
// to the write is then the sleep's.
let fifo = null;
let writer = null;

function openFifo(scratch) {
  fifo = path.join(scratch, 'fifo');
  childProcess.execFileSync('mkfifo', [fifo]);
  // Who only opened the FIFO has closed it before the word comes: no reason to end.
  const script = `trap '' PIPE; while read -r seconds; do sleep "$seconds"; echo late > "$0"; done`;
  writer = childProcess.spawn('sh', ['-c', script, fifo], { stdio: ['pipe', 'ignore', 'ignore'] });
}

// The order goes to the shell at once: a pipe's write is tried before the loop turns.
function orderWrite(until) {
  writer.stdin.write(`${Math.max(0, until - Date.now()) / 1000}\n`);
}

const backtracking = /x*x*x*y/;
const subject = 'x'.repeat(60);

// begin matchCompiled
function matchCompiled(until) {
  while (Date.now() < until) sink += backtracking.test(subject);
}
// end matchCompiled

// begin matchInterpreted
function matchInterpreted(until) {
  // A new pattern is interpreted the first time it runs.
  for (let i = 0; Date.now() < until; i++) sink += new RegExp(`x*x*x*y|z${i}`).test(subject);
}
// end matchInterpreted

const document = JSON.stringify(
  Array.from({ length: 8000 }, (_, id) => ({ id, name: `name ${id}`, tags: ['a', 'b', { c: id }] })),
);

// begin parseDocument
function parseDocument(until) {
  while (Date.now() < until) sink += JSON.parse(document).length;
}
// end parseDocument

// begin deriveKey
function deriveKey(until) {
  while (Date.now() < until) sink += crypto.pbkdf2Sync('word', 'salt', 10000, 64, 'sha512').length;
}
// end deriveKey

const noise = crypto.randomBytes(1 << 18).toString('hex');

// begin compress
function compress(until) {
  while (Date.now() < until) sink += zlib.deflateSync(noise).length;
}
// end compress

// begin openPipe
function openPipe(until) {
  orderWrite(until);
  fs.closeSync(fs.openSync(fifo, 'r'));
}
// end openPipe

const buffer = Buffer.alloc(16);

// begin readPipe
function readPipe(until) {
  const descriptor = fs.openSync(fifo, 'r+'); // both ends: the open does not wait
  orderWrite(until);
  sink += fs.readSync(descriptor, buffer);
  fs.closeSync(descriptor);
}
// end readPipe

// begin readWholeFile
function readWholeFile(until) {
  orderWrite(until);
  sink += fs.readFileSync(fifo).length;
}
// end readWholeFile

// begin runCommand
function runCommand(until) {
  childProcess.execSync(`sleep ${Math.max(0, until - Date.now()) / 1000}`);
}
// end runCommand

const cell = new Int32Array(new SharedArrayBuffer(4));

// begin waitForNobody
function waitForNobody(until) {
  Atomics.wait(cell, 0, 0, until - Date.now());
}
// end waitForNobody

// (module (func (export "spin") (param i32) (result i32) (local i32)
//   (loop (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 31)) (local.get 0)))
//         (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
//   (local.get 1)))
const module_ = new WebAssembly.Module(
  Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f,
    0x03, 0x02, 0x01, 0x00, 0x07, 0x08, 0x01, 0x04, 0x73, 0x70, 0x69, 0x6e, 0x00, 0x00, 0x0a, 0x1e,
    0x01, 0x1c, 0x01, 0x01, 0x7f, 0x03, 0x40, 0x20, 0x01, 0x41, 0x1f, 0x6c, 0x20, 0x00, 0x6a, 0x21,
    0x01, 0x20, 0x00, 0x41, 0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00, 0x0b, 0x20, 0x01, 0x0b,
  ]),
);
const wasm = new WebAssembly.Instance(module_).exports;

// begin callWasm
function callWasm(until) {
  while (Date.now() < until) sink += wasm.spin(3000000);
}
// end callWasm

module.exports = {
  file: __filename,
  prepare: openFifo,
  kinds: {
    regex: [matchCompiled, ['matchCompiled']],
    regex_interpreted: [matchInterpreted, ['matchInterpreted']],
    json_parse: [parseDocument, ['parseDocument']],
    pbkdf2: [deriveKey, ['deriveKey']],
    deflate: [compress, ['compress']],
    fifo_open: [openPipe, ['openPipe']],
    fifo_read: [readPipe, ['readPipe']],
    read_file: [readWholeFile, ['readWholeFile']],
    exec_sync: [runCommand, ['runCommand']],
    atomics_wait: [waitForNobody, ['waitForNobody']],
    wasm: [callWasm, ['callWasm']],
  },
};
