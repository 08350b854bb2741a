'use strict';
// Where functions stand, from comments in the source text: "// begin NAME" stands in the
// line before a function's first one, "// end NAME" in the line after its last one.

const fs = require('fs');

function places(file) {
  const found = new Map();
  fs.readFileSync(file, 'utf8')
    .split('\n')
    .forEach((text, index) => {
      const match = /^\s*\/\/ (begin|end) (.+)$/.exec(text);
      if (!match) return;
      const [, edge, name] = match;
      if (edge === 'begin') found.set(name, { function: name, file, first_line: index + 2 });
      else found.get(name).last_line = index;
    });
  for (const place of found.values()) {
    if (!(place.last_line >= place.first_line)) throw new Error(`no end of ${place.function}`);
  }
  return found;
}

module.exports = { places };
