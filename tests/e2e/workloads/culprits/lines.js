'use strict';
// Keeps one line busy at a time, of functions that have several.
//
//   lines.js
//
// Each kind is called with how much its part A and its part B have to do; a comment "// @KIND.A"
// stands on the line that does it, and the function around it is the one to be named. "kinds":
// every part with its function and line. "run KIND.PART TIMES MS": blocks TIMES times for about
// MS ms, each in a timer of its own; answers with the true begins and ends (ms of the system
// clock), of which the part's line ran nearly all.

const crypto = require('crypto');
const fs = require('fs');
const { answer, serveCommands } = require('../lib/commands');

const GAP_MS = 20;
const CALL_MS = 10;
const WARM_UP_MS = 40; // below what counts as a stall
const TABLE = Array.from({ length: 400 }, (_, i) => ({ id: i, name: `name ${i}`, price: i / 3 }));
const MIXED = Array.from({ length: 256 }, (_, i) => (i % 2 ? { a: i, b: 1 } : { b: 2, a: i }));
const FLOATS = Float64Array.from({ length: 4096 }, (_, i) => (i * 7919) % 4096);
let sink = 0;

function twoLoops(a, b) {
  let x = 1;
  for (let i = 0; i < a; i++) x = (Math.imul(x, 31) + i) | 0; // @twoLoops.A
  x = x ^ (x >>> 3);
  for (let i = 0; i < b; i++) x = (Math.imul(x, 17) + i) | 0; // @twoLoops.B
  return x;
}

function twoHalves(a, b) {
  let x = 3;
  for (let turn = 0; turn < 64; turn++) {
    x = (x + turn) | 0;
    for (let i = 0; i < a / 64; i++) x = (x * 17 + i) | 0; // @twoHalves.A
    x = x > 0 ? x : -x;
    for (let i = 0; i < b / 64; i++) x = (x * 31 + i) | 0; // @twoHalves.B
  }
  return x;
}

function smallStep(x, i) {
  let y = x;
  y = (y * 31 + i) | 0;
  return y;
}

function leafA(count, x) {
  let y = x;
  y = (y + 1) | 0;
  for (let i = 0; i < count; i++) y = (y * 17 + i) | 0; // @inlined.A leafA
  return y;
}

function leafB(count, x) {
  let y = x;
  y = (y - 1) | 0;
  for (let i = 0; i < count; i++) y = (y * 13 - i) | 0; // @inlined.B leafB
  return y;
}

function inlined(a, b) {
  let x = 1;
  for (let turn = 0; turn < 32; turn++) {
    x = smallStep(x, turn);
    x = leafA(a / 32, x);
    x = smallStep(x, turn + 1);
    x = leafB(b / 32, x);
  }
  return x;
}

function middle(count, other, x) {
  let y = smallStep(x, count);
  for (let i = 0; i < other; i++) y = (y * 5 + i) | 0; // @nested.B middle
  return bottom(count, y);
}

function bottom(count, x) {
  let y = x | 0;
  for (let i = 0; i < count; i++) y = (y * 3 + i) | 0; // @nested.A bottom
  return y;
}

function nested(a, b) {
  let x = 2;
  for (let turn = 0; turn < 32; turn++) {
    x = middle(a / 32, b / 32, x);
    x = (x + turn) | 0;
  }
  return x;
}

function nativeCalls(a, b) {
  let size = 0;
  for (let i = 0; i < a / 50; i++) {
    size += i & 1;
    size += JSON.stringify(TABLE).length; // @nativeCalls.A
  }
  const rounds = Math.ceil(b * 3) + 1;
  const key = crypto.pbkdf2Sync('secret', 'salt', rounds, 32, 'sha256'); // @nativeCalls.B
  return size + key.length;
}

function sines(a, b) {
  let x = 0.5;
  for (let i = 0; i < a; i += 200) {
    for (let k = 0; k < 50; k++) x = Math.sin(x + k) + Math.cos(x) + Math.atan(x) + Math.exp(-x); // @sines.A
  }
  for (let i = 0; i < b; i += 200) {
    for (let k = 0; k < 50; k++) x = Math.log(2 + x * x) + Math.tan(x) + Math.cbrt(x + k); // @sines.B
  }
  return x;
}

function fields(a, b) {
  let sum = 0;
  for (let turn = 0; turn < 16; turn++) {
    for (let i = 0; i < a / 16; i++) sum += MIXED[i & 255].a + MIXED[(i + 1) & 255].b; // @fields.A
    sum %= 1000003;
    for (let i = 0; i < b / 16; i++) sum += TABLE[i % 400].price * TABLE[i % 399].id; // @fields.B
    sum %= 1000003;
  }
  return sum;
}

function allocations(a, b) {
  let kept = [];
  for (let i = 0; i < a; i++) kept = [i, kept.length, { i }]; // @allocations.A
  let text = '';
  for (let i = 0; i < b; i++) text = text.length > 1000 ? '' : text + String.fromCharCode(65 + (i & 15)); // @allocations.B
  return kept.length + text.length;
}

class Ledger {
  constructor() {
    this.total = 1;
    this.steps = 0;
  }

  post(a, b) {
    this.steps++;
    for (let i = 0; i < a; i++) this.total = (this.total * 7 + i) % 1000003; // @method.A post
    this.steps++;
    for (let i = 0; i < b; i++) this.total = (this.total * 11 + this.steps) % 1000003; // @method.B post
    return this.total;
  }
}
const ledger = new Ledger();
const method = (a, b) => ledger.post(a, b);

function branches(a, b) {
  let x = 1;
  if (a > b) {
    for (let i = 0; i < a; i++) x = (x ^ (x << 5)) + i; // @branches.A
  } else {
    x = 2;
    for (let i = 0; i < b; i++) x = (x ^ (x << 3)) - i; // @branches.B
  }
  return x;
}

function guarded(a, b) {
  let x = 1;
  try {
    for (let i = 0; i < a; i++) x = (Math.imul(x, 29) + i) | 0; // @guarded.A
    if (x === 0.5) throw new Error('never');
  } finally {
    for (let i = 0; i < b; i++) x = (Math.imul(x, 23) + i) | 0; // @guarded.B
  }
  return x;
}

function* steps(a, b) {
  let x = 1;
  for (let i = 0; i < a; i++) x = (x * 17 + i) | 0; // @generator.A steps
  yield x;
  for (let i = 0; i < b; i++) x = (x * 19 + i) | 0; // @generator.B steps
  yield x;
}
const generator = (a, b) => {
  let sum = 0;
  for (const x of steps(a, b)) sum += x;
  return sum;
};

function sorting(a, b) {
  let x = 0;
  for (let i = 0; i < a / 300; i++) {
    x += i;
    FLOATS.sort(); // @sorting.A
  }
  for (let i = 0; i < b; i++) x += FLOATS[i & 4095] * 0.5; // @sorting.B
  return x;
}

// Enough cases for a jump by a table, which stands amid the code of the compilers.
function switches(a, b) {
  let x = 1;
  for (let i = 0; i < a; i++) switch (i & 7) { case 0: x += 3; break; case 1: x ^= i; break; case 2: x -= 5; break; case 3: x |= 1; break; case 4: x &= 0xffffff; break; case 5: x += i; break; default: x = (x * 3) | 0; }; // @switches.A
  x = x ^ 5;
  for (let i = 0; i < b; i++) switch (i & 7) { case 0: x -= 3; break; case 1: x ^= i; break; case 2: x += 7; break; case 3: x |= 2; break; case 4: x &= 0xfffff; break; case 5: x -= i; break; default: x = (x * 5) | 0; }; // @switches.B
  return x;
}

const KINDS = {
  twoLoops, twoHalves, inlined, nested, nativeCalls, sines, fields, allocations, method, branches,
  guarded, generator, sorting, switches,
};

function readParts() {
  const parts = {};
  fs.readFileSync(__filename, 'utf8')
    .split('\n')
    .forEach((text, index) => {
      const match = /; \/\/ @(\w+)\.([AB])(?: (\w+))?$/.exec(text);
      if (!match) return;
      const [, kind, part, name] = match;
      parts[`${kind}.${part}`] = { function: name || kind, file: __filename, line: index + 1 };
    });
  return parts;
}

const counts = new Map();

// Calls a part for some milliseconds. Each call does enough to make what is between them
// nothing, also when the compilers have made it faster.
function block(kind, part, milliseconds) {
  const key = `${kind}.${part}`;
  const begin = now();
  for (let last = begin; last - begin < milliseconds; ) {
    const count = counts.get(key) || 1000;
    call(kind, part, count);
    const end = now();
    if (end - last < CALL_MS) counts.set(key, count * 2);
    last = end;
  }
}

function call(kind, part, count) {
  sink += Number(KINDS[kind](part === 'A' ? count : 0, part === 'B' ? count : 0)) & 1;
}

const now = () => performance.timeOrigin + performance.now();

function run(name, times, milliseconds, blocks = []) {
  const [kind, part] = name.split('.');
  if (times === 0) {
    answer({ name, blocks });
    return;
  }
  block(kind, part, WARM_UP_MS);
  setTimeout(() => {
    const begin = now();
    block(kind, part, milliseconds);
    blocks.push({ begin, end: now() });
    setTimeout(run, GAP_MS, name, times - 1, milliseconds, blocks);
  }, GAP_MS);
}

serveCommands({
  kinds: () => answer(readParts()),
  run: (name, times, milliseconds) => run(name, Number(times), Number(milliseconds)),
});
