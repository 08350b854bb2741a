// A timer every 200 ms, and on each line of input one that computes for 1.2 s.
const spin = (ms) => { const end = Date.now() + ms; while (Date.now() < end); };
setInterval(() => {}, 200);
process.stdin.on('data', () => setTimeout(spin, 1, 1200));
console.log('ready');
