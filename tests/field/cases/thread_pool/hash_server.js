'use strict';
// Passwords are hashed in libuv's pool of four threads, and so is reading a file: when many log
// in at once, a file of a few bytes takes seconds, while the loop has nothing to do.
const crypto = require('crypto');
const fs = require('fs');

const LOGINS = 16;

function hashAll() {
  for (let login = 0; login < LOGINS; login++) {
    crypto.pbkdf2('secret', 'salt', 600_000, 64, 'sha512', () => {});
  }
}

setTimeout(() => {
  hashAll();
  const begin = performance.now();
  fs.readFile(__filename, () => {
    process.stdout.write(`read after ${(performance.now() - begin).toFixed(0)} ms\n`);
  });
}, 2000);
setInterval(() => {}, 1000);
process.stdout.write('ready\n');
