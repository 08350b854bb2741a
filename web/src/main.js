// The live page: asks, and hands what it hears to the views.

import { Poller } from './api.js';
import { BlockedView } from './blocked_view.js';
import { Charts } from './charts.js';
import { byId, element, setClass, setText } from './dom.js';
import { clock, plural } from './format.js';
import { LoopsView } from './loops_view.js';
import { Model } from './model.js';
import { fills, look, PHASES } from './phases.js';
import { StallsView } from './stalls_view.js';
import { renderListeners, renderSources } from './tables_view.js';
import { colour, startTheme } from './theme.js';

const SWATCH = { width: 26, height: 14 };

const model = new Model();
let picked = null;

const charts = new Charts(model);
const loops = new LoopsView(model, (key) => pick(key === picked ? null : key));
const stalls = new StallsView(model);
const blocked = new BlockedView(model);

function pick(key) {
  picked = key;
  loops.setPicked(key);
  charts.pick(key);
  byId('all-loops').hidden = key === null;
}

function drawLegend(paint) {
  byId('legend').replaceChildren(...PHASES.map((phase) => {
    const swatch = element('canvas', { classes: 'swatch', 'aria-hidden': 'true', ...SWATCH });
    const context = swatch.getContext('2d');
    context.fillStyle = paint.fills(context)[phase];
    context.fillRect(0, 0, SWATCH.width, SWATCH.height);
    return element('li', {}, swatch, look(phase).label);
  }), element('li', {}, element('span', { classes: 'stall-key', 'aria-hidden': 'true' }),
    'stall'));
}

// One set of patterns per canvas: they are made once for each colour theme.
function makePaint() {
  const wait = colour('wait');
  const made = new WeakMap();
  return {
    background: colour('empty'),
    alarm: colour('alarm'),
    grid: colour('grid'),
    fills(context) {
      if (!made.has(context)) made.set(context, fills(context, wait));
      return made.get(context);
    },
  };
}

function showState() {
  setText(byId('status'), `${plural(model.targets, 'process', 'processes')}, `
    + `${plural(model.loops.size, 'loop')}`
    + (model.leftOut > 0 ? ` and ${model.leftOut} not shown` : ''));
  setText(byId('updated'), `at ${clock(model.time)}`);
  setClass(byId('status'), 'alarm', false);
}

function onAnswer() {
  if (picked !== null && !model.loops.has(picked)) pick(null);
  showState();
  blocked.render();
  loops.render();
  charts.render();
  stalls.render();
  renderListeners(model);
  renderSources(model);
}

function onFailure(error) {
  setText(byId('status'), `No answer from Loopscope (${error.message}); trying again`);
  setClass(byId('status'), 'alarm', true);
}

byId('all-loops').addEventListener('click', () => pick(null));
startTheme(byId('theme'), () => {
  const paint = makePaint();
  drawLegend(paint);
  loops.setPaint(paint);
  charts.rebuild();
});
new Poller(model, onAnswer, onFailure).start();
