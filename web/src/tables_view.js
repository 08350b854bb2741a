// Sources of figures and accept queues.

import { arrange, byId, element } from './dom.js';
import { processName, shown } from './format.js';

const MEANINGS = {
  discovery: 'finds processes and loops',
  uv_stack: 'phases, lag and stalls of libuv loops',
  procfs: 'lag and stalls of other epoll loops',
  backlog: 'accept queues',
  tcp_ext: 'listen overflows and drops',
  library: 'the program measures itself',
};

// What watches from outside has all of these unless the configuration says otherwise.
const SWITCHED = ['uv_stack', 'procfs', 'backlog', 'tcp_ext'];

const STATES = { active: '✓ active', failing: '✗ failing', off: '– off' };

// [{name, state, reason}], what does not work first.
export function sourceStates(sources) {
  const told = sources.map(({ source: name, success, reason }) =>
    (success ? { name, state: 'active', reason: reason ?? '' }
      : { name, state: 'failing', reason: reason ?? 'no reason given' }));
  const names = new Set(told.map(({ name }) => name));
  const off = names.has('discovery') ? SWITCHED.filter((name) => !names.has(name)) : [];
  return [
    ...told.filter(({ state }) => state === 'failing'),
    ...off.map((name) => ({ name, state: 'off', reason: 'switched off in the configuration' })),
    ...told.filter(({ state }) => state === 'active'),
  ];
}

function sourceItem({ name, state, reason }) {
  return element('li', { classes: ['source', state] },
    element('span', { text: STATES[state], classes: 'state' }),
    element('span', { text: shown(name, 40), classes: 'name' }),
    element('span', { text: MEANINGS[name] ?? '', classes: 'muted' }),
    element('span', { text: shown(reason, 500), classes: ['reason', 'foreign'] }));
}

function notes(loops) {
  const counts = new Map();
  for (const { now } of loops) {
    if (now.note) counts.set(now.note, (counts.get(now.note) ?? 0) + 1);
  }
  return [...counts].slice(0, 20).map(([note, count]) =>
    element('li', { text: `${count === 1 ? '1 loop' : `${count} loops`}: ${shown(note, 300)}` }));
}

export function renderSources(model) {
  replaceIfNew(byId('sources'), sourceStates(model.sources), (states) => states.map(sourceItem));
  const loops = [...model.loops.values()];
  replaceIfNew(byId('notes'), loops.map(({ now }) => now.note), () => notes(loops));
}

function listenerRow({ now }) {
  const cell = (text, ...classes) => element('td', { text: String(text), classes, role: 'cell' });
  const full = now.depth > now.limit;
  return element('tr', { role: 'row' },
    cell(processName(now), 'loop'),
    cell(shown(now.listener, 80), 'listener'),
    cell(full ? `${now.depth} (full)` : now.depth, 'number', ...(full ? ['alarm'] : [])),
    cell(now.limit, 'number'),
    cell(now.max, 'number'),
    cell(now.unread ?? '–', 'number'));
}

export function renderListeners(model) {
  const listeners = [...model.listeners.values()];
  replaceIfNew(byId('listeners'), listeners.map(({ now }) => now),
    () => listeners.map(listenerRow));
  byId('no-listeners').hidden = listeners.length > 0;
  byId('listeners-table').hidden = listeners.length === 0;
}

const last = new WeakMap();

// Rebuilds the children of `parent` only when what they show has changed.
function replaceIfNew(parent, facts, build) {
  const text = JSON.stringify(facts);
  if (last.get(parent) === text) return;
  last.set(parent, text);
  arrange(parent, build(facts));
}

