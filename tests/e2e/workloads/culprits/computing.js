'use strict';
// Ways of computing in JavaScript for too long. Each function spins in its own code until
// a time of Date.now(); the comments around a function tell truth.js where it stands.

const ROUNDS = 20000; // between two looks at the clock: well under a millisecond
let sink = 0;

// begin hotLoop
function hotLoop(until) {
  let x = 1;
  while (Date.now() < until) {
    for (let i = 0; i < ROUNDS; i++) x = (Math.imul(x, 31) + i) | 0;
  }
  sink += x;
}
// end hotLoop

function makeClosure(factor) {
  let calls = 0;
  // begin countUp
  return function countUp(until) {
    while (Date.now() < until) {
      for (let i = 0; i < ROUNDS; i++) calls = (Math.imul(calls, factor) + i) | 0;
    }
    return calls;
  };
  // end countUp
}
const closure = makeClosure(17);

// begin arrowSpin
const arrowSpin = (until) => {
  let x = 3;
  while (Date.now() < until) {
    for (let i = 0; i < ROUNDS; i++) x = (x ^ (x << 5)) + i;
  }
  sink += x;
};
// end arrowSpin

class Invoice {
  constructor() {
    this.total = 0;
  }

  // begin addUp
  addUp(until) {
    while (Date.now() < until) {
      for (let i = 0; i < ROUNDS; i++) this.total = (this.total * 7 + i) % 1000003;
    }
    return this.total;
  }
  // end addUp

  // begin #reconcile
  #reconcile(until) {
    while (Date.now() < until) {
      for (let i = 0; i < ROUNDS; i++) this.total = (this.total * 11 + i) % 1000003;
    }
    return this.total;
  }
  // end #reconcile

  reconcile(until) {
    return this.#reconcile(until) + 1;
  }

  // begin get balance
  get balance() {
    const { until } = this;
    while (Date.now() < until) {
      for (let i = 0; i < ROUNDS; i++) this.total = (this.total * 13 + i) % 1000003;
    }
    return this.total;
  }
  // end get balance
}
const invoice = new Invoice();

// begin afterAwait
async function afterAwait(until) {
  await null;
  let x = 5;
  while (Date.now() < until) {
    for (let i = 0; i < ROUNDS; i++) x = (Math.imul(x, 37) + i) | 0;
  }
  sink += x;
}
// end afterAwait

// begin fibonacci
function fibonacci(n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
// end fibonacci

// begin descend
function descend(depth, until) {
  if (depth > 0) return 1 + descend(depth - 1, until);
  let sum = 0;
  while (Date.now() < until) sum += fibonacci(16);
  return sum;
}
// end descend

const rows = Array.from({ length: 3000 }, (_, i) => ({ key: `row ${(i * 7919) % 3001}` }));

// begin byKey
function byKey(a, b) {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
// end byKey

// begin sortRows
function sortRows(until) {
  while (Date.now() < until) sink += rows.slice().sort(byKey).length;
}
// end sortRows

// begin scaled
function scaled(value, factor) {
  return (Math.imul(value, factor) ^ (value >>> 3)) | 0;
}
// end scaled

// begin inlining
function inlining(until) {
  let x = 9;
  while (Date.now() < until) {
    for (let i = 0; i < ROUNDS; i++) x = scaled(x, 29) + i;
  }
  sink += x;
}
// end inlining

// begin churnObjects
function churnObjects(until) {
  const kept = new Array(2000).fill(null);
  for (let i = 0; Date.now() < until; i++) {
    const objects = [];
    for (let k = 0; k < 500; k++) objects.push({ k, previous: objects[k - 1] });
    kept[i % kept.length] = objects;
  }
  sink += kept.length;
}
// end churnObjects

// begin newFunctionChurn
function newFunctionChurn(until) {
  for (let i = 0; Date.now() < until; i++) {
    sink += new Function('n', `let x = ${i}; while (n-- > 0) x = (x * 31 + n) | 0; return x;`)(2000);
  }
}
// end newFunctionChurn

// begin evalCaller
function evalCaller(until) {
  sink += eval(`let x = 1;
    while (Date.now() < ${until}) for (let i = 0; i < ${ROUNDS}; i++) x = (x * 31 + i) | 0;
    x`);
}
// end evalCaller

const text = 'lorem ipsum dolor sit amet '.repeat(400);

// begin upperVowel
function upperVowel(vowel) {
  let x = vowel.charCodeAt(0);
  for (let i = 0; i < 200; i++) x = (x * 31 + i) % 65521;
  sink += x;
  return vowel.toUpperCase();
}
// end upperVowel

// begin replaceVowels
function replaceVowels(until) {
  while (Date.now() < until) sink += text.replace(/[aeiou]/g, upperVowel).length;
}
// end replaceVowels

// begin generateKeys
function* generateKeys(until) {
  let x = 1;
  while (Date.now() < until) {
    for (let i = 0; i < ROUNDS; i++) x = (Math.imul(x, 41) + i) | 0;
  }
  yield x;
}
// end generateKeys

// begin блокировать計算
function блокировать計算(until) {
  let x = 7;
  while (Date.now() < until) {
    for (let i = 0; i < ROUNDS; i++) x = (Math.imul(x, 43) + i) | 0;
  }
  sink += x;
}
// end блокировать計算

// begin sumUp
function sumUp(sum, number) {
  let x = number;
  for (let i = 0; i < 2000; i++) x = (x * 31 + i) % 65521;
  return sum + x;
}
// end sumUp
const numbers = Array.from({ length: 100 }, (_, i) => i);

// begin reduceNumbers
function reduceNumbers(until) {
  while (Date.now() < until) sink += numbers.reduce(sumUp, 0);
}
// end reduceNumbers

function nameless(until) {
  // begin (anonymous)
  [until].forEach(function (end) {
    let x = 11;
    while (Date.now() < end) {
      for (let i = 0; i < ROUNDS; i++) x = (Math.imul(x, 47) + i) | 0;
    }
    sink += x;
  });
  // end (anonymous)
}

// Kind: what blocks, and the functions of which one is the innermost at any instant.
module.exports = {
  file: __filename,
  kinds: {
    hot_loop: [hotLoop, ['hotLoop']],
    closure: [closure, ['countUp']],
    arrow: [arrowSpin, ['arrowSpin']],
    method: [(until) => invoice.addUp(until), ['addUp']],
    private_method: [(until) => invoice.reconcile(until), ['#reconcile']],
    getter: [(until) => ((invoice.until = until), invoice.balance), ['get balance']],
    async_function: [afterAwait, ['afterAwait']],
    deep_recursion: [(until) => descend(600, until), ['fibonacci', 'descend']],
    sort_comparator: [sortRows, ['byKey', 'sortRows']],
    inlined: [inlining, ['scaled', 'inlining']],
    gc_storm: [churnObjects, ['churnObjects']],
    new_function: [newFunctionChurn, ['newFunctionChurn']],
    eval: [evalCaller, ['evalCaller']],
    replace_callback: [replaceVowels, ['upperVowel', 'replaceVowels']],
    generator: [(until) => generateKeys(until).next(), ['generateKeys']],
    non_latin_name: [блокировать計算, ['блокировать計算']],
    array_callback: [reduceNumbers, ['sumUp', 'reduceNumbers']],
    anonymous: [nameless, ['(anonymous)']],
  },
};
