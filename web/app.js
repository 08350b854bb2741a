'use strict';

// Names come from watched processes and may hold anything: they reach the page as
// text nodes only, never as markup.

const PHASES = ['timers', 'pending', 'idle_prepare', 'poll_wait', 'poll', 'check', 'closing',
  'unknown'];
const POLL_MS = 1000;
const STALLS_SHOWN = 20;
const SVG = 'http://www.w3.org/2000/svg';

let before = new Map(); // figures of each loop one poll ago, for rates

function cell(text, ...classes) {
  const td = document.createElement('td');
  td.textContent = text === null || text === undefined || text === '' ? '–' : String(text);
  td.classList.add(...classes);
  return td;
}

function row(...cells) {
  const tr = document.createElement('tr');
  tr.append(...cells);
  return tr;
}

function emptyRow(text, columns) {
  const td = cell(text, 'muted');
  td.colSpan = columns;
  return row(td);
}

function fill(id, rows, columns, nothing) {
  document.getElementById(id).replaceChildren(
    ...(rows.length > 0 ? rows : [emptyRow(nothing, columns)]));
}

function duration(seconds) {
  if (seconds === 0) return '0';
  if (seconds < 0.001) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

function phaseBar(shares) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'bar');
  svg.setAttribute('viewBox', '0 0 100 1');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  const words = [];
  let x = 0;
  for (const phase of PHASES) {
    const width = 100 * (shares[phase] || 0);
    if (width <= 0) continue;
    const rect = document.createElementNS(SVG, 'rect');
    rect.setAttribute('class', phase);
    rect.setAttribute('x', x);
    rect.setAttribute('width', width);
    rect.setAttribute('height', 1);
    svg.append(rect);
    words.push(`${phase} ${width.toFixed(1)} %`);
    x += width;
  }
  const title = document.createElementNS(SVG, 'title');
  title.textContent = words.join(', ');
  svg.append(title);
  return svg;
}

// What the loop did since the poll before; at first, since it is watched.
function recent(key, loop) {
  const old = before.get(key);
  const since = (now, then) => Math.max(0, now - (old === undefined ? 0 : then));
  const active = since(loop.active_seconds, old?.active_seconds);
  const idle = since(loop.idle_seconds, old?.idle_seconds);
  const phases = {};
  let sum = 0;
  for (const phase of PHASES) {
    phases[phase] = since(loop.phase_seconds[phase], old?.phase_seconds[phase]);
    sum += phases[phase];
  }
  for (const phase of PHASES) phases[phase] = sum > 0 ? phases[phase] / sum : 0;
  return {busy: active + idle > 0 ? active / (active + idle) : 0, phases};
}

function loopRow(loop, next) {
  const key = JSON.stringify([loop.process, loop.pid, loop.loop, loop.labels]);
  next.set(key, loop);
  const {busy, phases} = recent(key, loop);
  const blocked = cell(duration(loop.blocked_seconds), 'number');
  if (loop.blocked_seconds >= 0.05) {
    blocked.classList.add('alarm');
    blocked.append(` in ${loop.phase}`);
  }
  const bar = document.createElement('td');
  bar.append(phaseBar(phases));
  const runtime = [loop.runtime, loop.runtime_version].filter(Boolean).join(' ');
  const how = [loop.source, runtime, loop.note].filter(Boolean).join(', ');
  return row(cell(loop.process), cell(loop.pid), cell(loop.loop), blocked,
    cell(duration(loop.lag_max_seconds), 'number'), cell(`${(100 * busy).toFixed(1)} %`, 'number'),
    bar, cell(`${loop.stalls} (${duration(loop.stall_seconds)})`, 'number'), cell(how));
}

function listenerRow(l) {
  const depth = cell(l.depth, 'number');
  if (l.depth > l.limit) depth.classList.add('alarm');
  return row(cell(l.process), cell(l.pid), cell(l.listener), depth, cell(l.limit, 'number'),
    cell(l.max, 'number'));
}

function sourceRow(s) {
  const state = s.success ? cell('working') : cell('failing', 'alarm');
  return row(cell(s.source), state, cell(s.reason), cell(duration(s.duration_seconds), 'number'));
}

function stallRow(s) {
  const where = [s.function, [s.file, s.line].filter(Boolean).join(':')].filter(Boolean).join(' at ');
  const length = cell(duration(s.duration_seconds), 'number');
  if (s.in_progress) {
    length.classList.add('alarm');
    length.append(' so far');
  }
  return row(cell(new Date(s.started_at).toLocaleTimeString()), cell(s.process), cell(s.pid),
    cell(s.loop), length, cell(s.phase), cell(s.cause), cell(where));
}

async function getJson(path) {
  const response = await fetch(path, {cache: 'no-store'});
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return response.json();
}

async function poll() {
  const status = document.getElementById('status');
  try {
    const state = await getJson('api/v1/loops');
    const stalls = await getJson(`api/v1/stalls?limit=${STALLS_SHOWN}`);
    const next = new Map();
    fill('loops', state.loops.map((loop) => loopRow(loop, next)), 9, 'No event loop found yet.');
    before = next;
    fill('listeners', state.listeners.map(listenerRow), 6, 'No listening socket found yet.');
    fill('stalls', stalls.map(stallRow), 8, 'None so far.');
    fill('sources', state.sources.map(sourceRow), 4, 'None.');
    status.textContent = `${state.targets} process${state.targets === 1 ? '' : 'es'} watched`;
    status.classList.remove('alarm');
  } catch (error) {
    status.textContent = `No answer from Loopscope (${error.message}); trying again`;
    status.classList.add('alarm');
  }
  setTimeout(poll, POLL_MS);
}

for (const phase of PHASES) {
  const item = document.createElement('span');
  const key = document.createElement('i');
  key.classList.add('key', phase);
  item.append(key, phase);
  document.getElementById('legend').append(item);
}
poll();
