// The table of the latest stalls; each opens to its stack.

import { arrange, byId, element, setClass, setText } from './dom.js';
import { clock, duration, loopName, place, shown } from './format.js';
import { look } from './phases.js';

const SHOWN = 50;
const SHOWN_FRAMES = 100;
const LONG = 400;
const KINDS = new Set(['js', 'native', 'kernel']);

function frame({ kind, function: name, file, line, generated_line: generated }) {
  const known = KINDS.has(kind) ? kind : 'unknown';
  return element('li', { classes: 'frame' },
    element('span', { text: known, classes: ['kind', known] }), ' ',
    element('span', { text: shown(name, LONG) || '(no name)', classes: ['foreign', 'function'] }), ' ',
    element('span', { text: place(file, line, LONG, generated), classes: ['foreign', 'place'] }));
}

function term(name, value) {
  return element('div', {}, element('dt', { text: name }), element('dd', { text: value }));
}

function details(stall) {
  const causes = Object.entries(stall.causes)
    .filter(([, seconds]) => seconds > 0)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 20)
    .map(([cause, seconds]) => `${shown(cause, 40)} ${duration(seconds)}`);
  const facts = element('dl', { classes: 'facts' },
    term('Why', causes.join(', ') || shown(stall.cause, 40)),
    ...(stall.detail ? [term('Waited for', shown(stall.detail, LONG))] : []),
    ...(stall.function ? [term('Who', `${shown(stall.function, LONG)} at ${place(stall.file, stall.line, LONG, stall.generated_line)}`)] : []));
  if (stall.stack.length === 0) {
    return [facts, element('p', {
      classes: 'muted',
      text: stall.in_progress ? 'No stack yet.' : 'No stack was taken of it.',
    })];
  }
  const left = stall.stack.length - SHOWN_FRAMES;
  return [facts,
    element('ol', { classes: 'stack', 'aria-label': 'Stack, innermost first' },
      ...stall.stack.slice(0, SHOWN_FRAMES).map(frame)),
    ...(left > 0 ? [element('p', { classes: 'muted', text: `${left} more frames` })] : [])];
}

class StallRows {
  constructor(id) {
    this.stall = null;
    this.open = false;
    this.button = element('button', {
      type: 'button', classes: 'opener', 'aria-expanded': 'false', 'aria-controls': `stall-${id}`,
    });
    this.cells = ['when', 'of', 'length', 'phase', 'cause', 'who'].map((name) =>
      element('td', { classes: name, role: 'cell' }));
    this.cells[0].append(this.button);
    this.row = element('tr', { classes: 'stall', role: 'row' }, ...this.cells);
    this.inside = element('td', { colspan: '6', role: 'cell' });
    this.more = element('tr', { classes: 'more', id: `stall-${id}`, role: 'row' }, this.inside);
    this.more.hidden = true;
    this.row.addEventListener('click', () => {
      // Marking text in a row is not a wish to open it.
      if (getSelection().isCollapsed) this.#toggle();
    });
  }

  #toggle() {
    this.open = !this.open;
    this.more.hidden = !this.open;
    this.button.setAttribute('aria-expanded', String(this.open));
    if (this.open) this.inside.replaceChildren(...details(this.stall));
  }

  fill(stall) {
    const changed = JSON.stringify(stall) !== JSON.stringify(this.stall);
    this.stall = stall;
    if (!changed) return;
    const [, loop, length, phase, cause, who] = this.cells;
    setText(this.button, clock(stall.begin));
    setText(loop, loopName(stall));
    setText(length, duration(stall.duration_seconds) + (stall.in_progress ? ' so far' : ''));
    setClass(length, 'alarm', stall.in_progress);
    setText(phase, look(stall.phase).label);
    setText(cause, shown(stall.cause, 40));
    const at = place(stall.file, stall.line, 60, stall.generated_line);
    setText(who, stall.function
      ? [shown(stall.function, 60), at].filter(Boolean).join(' at ')
      : at || shown(stall.detail, 80) || '–');
    if (this.open) this.inside.replaceChildren(...details(stall));
  }
}

export class StallsView {
  #model;
  #rows = new Map();

  constructor(model) {
    this.#model = model;
  }

  render() {
    const latest = this.#model.stalls.slice(0, SHOWN);
    const rows = new Map();
    for (const stall of latest) {
      const shownRows = this.#rows.get(stall.id) ?? new StallRows(stall.id);
      shownRows.fill(stall);
      rows.set(stall.id, shownRows);
    }
    this.#rows = rows;
    arrange(byId('stalls'), [...rows.values()].flatMap(({ row, more }) => [row, more]));
    byId('no-stalls').hidden = latest.length > 0;
    byId('stalls-table').hidden = latest.length === 0;
  }
}
