'use strict';
// A loop without a free moment: one stall of N milliseconds after the other.

const { burn } = require('./lib/burn');
const { serve } = require('../../../examples/scenarios/lib/serve');

const milliseconds = Number(process.argv[2]);

function turn() {
  burn(milliseconds);
  setImmediate(turn);
}

serve({}).once('listening', turn);
