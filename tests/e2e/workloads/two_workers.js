const { Worker } = require('worker_threads');
for (let i = 0; i < 2; i++) new Worker('setInterval(() => {}, 50)', { eval: true });
setInterval(() => {}, 50);
console.log('ready');
