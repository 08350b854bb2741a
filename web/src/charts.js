// Lag and backlog over the last two minutes, of the picked loop or of the worst one.

import uPlot from 'uplot';
import { byId, setText } from './dom.js';
import { clock, duration, loopName, processName, shown } from './format.js';
import { COLUMN } from './history.js';
import { FLEET, LISTENER, WINDOW_SECONDS } from './model.js';
import { colour } from './theme.js';

const HEIGHT = 190;
const FONT = '12px system-ui, sans-serif';

function axis(values, size) {
  return {
    stroke: colour('muted'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { stroke: colour('line'), width: 1, size: 5 },
    font: FONT,
    size,
    values,
  };
}

function series(label, name, value, { dash, fill, width = 2 } = {}) {
  return {
    label,
    value: (_, v) => (v === null || v === undefined ? '–' : value(v)),
    stroke: colour(name),
    fill: fill === undefined ? undefined : colour(fill),
    width,
    dash,
    points: { show: false },
  };
}

// NaN is "not known", which uPlot has as null.
const known = (values) => values.map((v) => (Number.isFinite(v) ? v : null));

class Chart {
  // `lines()` describes the series in the colours of the theme.
  constructor(id, value, lines, smallest) {
    this.place = byId(id);
    this.value = value;
    this.lines = lines;
    this.smallest = smallest;
    this.to = Date.now() / 1000;
    this.data = [[], ...lines().map(() => [])];
    this.build();
    new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width > 0) this.plot.setSize({ width: contentRect.width, height: HEIGHT });
    }).observe(this.place);
  }

  // Anew whenever the theme changes: the legend takes its colours once.
  build() {
    const { value, smallest } = this;
    const lines = this.lines();
    this.plot?.destroy();
    this.plot = new uPlot({
      width: Math.max(200, this.place.clientWidth),
      height: HEIGHT,
      padding: [10, 30, 0, 0],
      scales: {
        x: { time: true, range: () => [this.to - WINDOW_SECONDS, this.to] },
        y: { range: (_, __, max) => [0, Math.max(smallest, (max ?? 0) * 1.1)] },
      },
      series: [{ label: 'Time', value: (_, v) => clock(v ?? NaN) }, ...lines],
      axes: [
        { ...axis((_, at) => at.map(clock), 34), space: 80 },
        axis((_, at) => at.map((v) => (Number.isInteger(v) || smallest < 1 ? value(v) : '')), 62),
      ],
      legend: { markers: { dash: (_, i) => (lines[i - 1]?.dash ? 'dashed' : 'solid') } },
      cursor: { drag: { x: false, y: false }, sync: { key: 'loopscope' } },
    }, this.data, this.place);
    this.#showNewest();
  }

  show(to, columns, words) {
    this.to = to;
    this.data = columns.map(known);
    this.plot.setData(this.data);
    this.#showNewest();
    this.place.setAttribute('aria-label', words);
  }

  // Without a pointer in the chart its legend tells the newest figures.
  #showNewest() {
    const newest = this.data[0].length - 1;
    if (newest >= 0 && !(this.plot.cursor.left >= 0)) this.plot.setLegend({ idx: newest });
  }
}

export class Charts {
  #model;
  #picked = null;

  constructor(model) {
    this.#model = model;
    this.lag = new Chart('lag-chart', duration, () => [
      series('Largest, 1 min', 'blue', duration, { dash: [8, 4] }),
      series('Blocked now', 'red', duration, { fill: 'red-fill' }),
      series('Mean', 'green', duration, { width: 3 }),
    ], 0.01);
    this.backlog = new Chart('backlog-chart', String, () => [
      series('Waiting', 'orange', String, { fill: 'orange-fill' }),
      series('Limit', 'muted', String, { dash: [8, 4] }),
    ], 8);
  }

  // A key of the model's loops; null: the worst of all.
  pick(key) {
    this.#picked = key;
    this.render();
  }

  // The theme has changed.
  rebuild() {
    this.lag.build();
    this.backlog.build();
  }

  render() {
    if (document.hidden || Number.isNaN(this.#model.time)) return;
    const loop = this.#model.loops.get(this.#picked) ?? null;
    this.#renderLag(loop);
    this.#renderBacklog(loop);
  }

  #renderLag(loop) {
    const ring = loop === null ? this.#model.fleet : loop.history.ring;
    const from = loop === null ? FLEET
      : { time: COLUMN.end, lagMax: COLUMN.lagMax, blocked: COLUMN.blocked, lagMean: COLUMN.lagMean };
    const name = loop === null ? 'worst of all loops' : loopName(loop.now);
    setText(byId('lag-title'), `Lag: ${name}`);
    this.lag.show(this.#model.time,
      [from.time, from.lagMax, from.blocked, from.lagMean].map((c) => ring.column(c)),
      `Lag of ${name}: largest in a minute ${duration(ring.last(from.lagMax))}, blocked now `
        + `${duration(ring.last(from.blocked))}, mean ${duration(ring.last(from.lagMean))}`);
  }

  #renderBacklog(loop) {
    const listener = this.#model.fullestListener(loop === null ? null : loop.now.pid);
    byId('backlog-chart').hidden = listener === null;
    byId('no-backlog').hidden = listener !== null;
    if (listener === null) {
      setText(byId('backlog-title'), 'Accept backlog');
      return;
    }
    const { now, ring } = listener;
    const name = `${shown(now.listener, 40)} of ${processName(now)}`;
    setText(byId('backlog-title'), `Accept backlog: ${name}`);
    this.backlog.show(this.#model.time,
      [LISTENER.time, LISTENER.depth, LISTENER.limit].map((c) => ring.column(c)),
      `Accept backlog of ${name}: ${now.depth} waiting, the limit is ${now.limit}`);
  }
}
