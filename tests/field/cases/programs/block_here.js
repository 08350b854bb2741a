// Blocks for 400 ms in a timer, every 1.2 s: on Node, Bun and Deno.
let sink = 0;
function blockHere(milliseconds) {
  const end = Date.now() + milliseconds;
  while (Date.now() < end) {
    for (let i = 0; i < 500; i++) sink = (sink * 31 + i) | 0; // HERE
  }
}
setInterval(() => blockHere(400), 1200);
console.log('ready');
