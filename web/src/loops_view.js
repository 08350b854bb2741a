// The list of loops. Only rows in sight are filled and drawn.

import { byId, arrange, element, setClass, setText } from './dom.js';
import { duration, percent, plural, shown } from './format.js';
import { COLUMN } from './history.js';
import { WINDOW_SECONDS, isBlocked } from './model.js';
import { look } from './phases.js';
import { drawStrip, summary } from './strip.js';

const RECENT = 10; // answers that "busy" is the mean of
const LATE_SHARE = 0.01;
const WORDS = { duration, percent, plural, label: (phase) => look(phase).label };

const ORDERS = {
  name: () => 0, // as the exporter lists them
  blocked: (a, b) => b.now.blocked_seconds - a.now.blocked_seconds,
  lag: (a, b) => b.now.lag_max_seconds - a.now.lag_max_seconds,
  busy: (a, b) => b.now.active_seconds / (b.now.active_seconds + b.now.idle_seconds || 1)
    - a.now.active_seconds / (a.now.active_seconds + a.now.idle_seconds || 1),
};

class Row {
  constructor(key, onPick) {
    this.key = key;
    this.visible = false;
    this.name = element('span', { classes: 'name' });
    this.about = element('span', { classes: 'about' });
    this.pick = element('button', { type: 'button', classes: 'pick', 'aria-pressed': 'false' },
      this.name, this.about);
    this.pick.addEventListener('click', () => onPick(key));
    this.strip = element('canvas', { classes: 'strip', role: 'img' });
    this.figures = {};
    const figure = (id, label) => {
      this.figures[id] = element('span', { classes: 'value' });
      return element('div', { classes: ['figure', id] },
        element('span', { text: label, classes: 'label' }), this.figures[id]);
    };
    this.element = element('li', { classes: 'loop' }, this.pick, this.strip,
      figure('blocked', 'Blocked now'), figure('lag', 'Largest lag, 1 min'),
      figure('late', 'Late by > 100 ms'), figure('busy', 'Busy'),
      figure('stalls', 'Stalls'));
  }

  fill({ now, history }) {
    const runtime = [now.runtime, now.runtime_version].filter(Boolean).join(' ');
    const extra = Object.entries(now.labels ?? {}).slice(0, 10)
      .map(([name, value]) => `${shown(name, 40)}=${shown(value, 40)}`);
    setText(this.name, shown(now.process, 60));
    setText(this.about, [
      `slot ${now.slot} · pid ${now.pid} · ${shown(now.loop, 24)}`, shown(runtime, 40), ...extra,
      now.source === 'uv_stack' ? null : shown(now.source, 24),
    ].filter(Boolean).join(' · '));
    this.pick.title = shown(now.note ?? 'Show this loop in the charts', 300);
    const blocked = isBlocked(now);
    setText(this.figures.blocked,
      blocked ? `${duration(now.blocked_seconds)} in ${look(now.phase).label}` : '–');
    setClass(this.element, 'is-blocked', blocked);
    setText(this.figures.lag, duration(now.lag_max_seconds));
    const late = history.recent(COLUMN.late, WINDOW_SECONDS);
    setText(this.figures.late, percent(late));
    setClass(this.figures.late, 'alarm', late > LATE_SHARE);
    setText(this.figures.busy, percent(history.recent(COLUMN.busy, RECENT)));
    setText(this.figures.stalls,
      now.stalls === 0 ? '0' : `${now.stalls} (${duration(now.stall_seconds)})`);
  }
}

export class LoopsView {
  #rows = new Map();
  #observer;
  #model;
  #onPick;
  #paint = null;

  constructor(model, onPick) {
    this.#model = model;
    this.#onPick = onPick;
    this.list = byId('loops');
    this.filter = byId('filter');
    this.order = byId('order');
    this.#observer = new IntersectionObserver((entries) => this.#seen(entries),
      { root: byId('loops-scroll'), rootMargin: '100px' });
    this.filter.addEventListener('input', () => this.render());
    this.order.addEventListener('change', () => this.render());
    new ResizeObserver(() => this.#drawVisible()).observe(this.list);
  }

  setPaint(paint) {
    this.#paint = paint;
    this.#drawVisible();
  }

  setPicked(key) {
    for (const row of this.#rows.values()) {
      row.pick.setAttribute('aria-pressed', String(row.key === key));
    }
  }

  render() {
    const wanted = this.filter.value.trim().toLowerCase();
    const matches = ({ now }) => wanted === ''
      || `${now.process} ${now.slot} ${now.pid} ${now.loop}`.toLowerCase().includes(wanted);
    const chosen = [...this.#model.loops.values()].filter(matches)
      .sort(ORDERS[this.order.value] ?? ORDERS.name);
    for (const [key, row] of this.#rows) {
      if (this.#model.loops.has(key)) continue;
      this.#observer.unobserve(row.element);
      this.#rows.delete(key);
    }
    arrange(this.list, chosen.map(({ key }) => this.#row(key).element));
    byId('no-loops').hidden = chosen.length > 0;
    setText(byId('no-loops'), this.#model.loops.size > 0
      ? 'No loop matches.' : 'No event loop found yet.');
    this.#drawVisible();
  }

  #row(key) {
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = new Row(key, this.#onPick);
      row.element.dataset.key = key;
      this.#rows.set(key, row);
      this.#observer.observe(row.element);
    }
    return row;
  }

  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const row = this.#rows.get(target.dataset.key);
      if (row === undefined) continue;
      row.visible = isIntersecting;
      if (isIntersecting) this.#draw(row);
    }
  }

  #drawVisible() {
    for (const row of this.#rows.values()) {
      if (row.visible) this.#draw(row);
    }
  }

  #draw(row) {
    const loop = this.#model.loops.get(row.key);
    if (loop === undefined || this.#paint === null) return;
    row.fill(loop);
    const { time } = this.#model;
    const stalls = this.#model.stallsOf(row.key);
    const words = summary(loop.history.ring, stalls, WORDS);
    if (row.strip.getAttribute('aria-label') !== words) {
      row.strip.setAttribute('aria-label', words);
      row.strip.title = words;
    }
    drawStrip(row.strip, loop.history.ring, stalls, time - WINDOW_SECONDS, time, this.#paint);
  }
}
