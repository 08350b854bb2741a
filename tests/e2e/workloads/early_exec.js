// Waits for a synchronous child before its own loop has begun.
require('child_process').execSync('sleep 3');
console.log('started');
setInterval(() => {}, 50);
