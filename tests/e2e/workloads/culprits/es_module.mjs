// An ES module: V8 knows it by a file:// address.

const ROUNDS = 20000;

// begin moduleSpin
export function moduleSpin(until) {
  let x = 1;
  while (Date.now() < until) {
    for (let i = 0; i < ROUNDS; i++) x = (Math.imul(x, 53) + i) | 0;
  }
  return x;
}
// end moduleSpin
