'use strict';
// Writes a program as bundlers do: a megabyte in one line.

const fs = require('fs');
const path = require('path');

const FILLERS = 15000; // before and after, about 35 bytes each

function filler(from) {
  let code = '';
  for (let i = from; i < from + FILLERS; i++) code += `function f${i}(a){return a*${i}+f0.length}`;
  return code;
}

function writeBundle(scratch) {
  const spin =
    'function kX(t){let x=1;while(Date.now()<t)for(let i=0;i<2e4;i++)x=Math.imul(x,59)+i|0;return x}';
  const file = path.join(scratch, 'bundle.min.js');
  fs.writeFileSync(file, `"use strict";${filler(0)}${spin}${filler(FILLERS)}exports.spin=kX;`);
  return {
    place: { function: 'kX', file, first_line: 1, last_line: 1 },
    spin: require(file).spin,
  };
}

module.exports = { writeBundle };
