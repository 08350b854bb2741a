// Everything the page knows, and no more of it than it can show.

import { LoopHistory, Ring } from './history.js';

export const WINDOW_SECONDS = 120;
// One answer a second; a few more than fit, so that a strip is full to its left edge.
const KEPT_ANSWERS = 130;
const KEPT_STALLS = 300;
const MAX_LOOPS = 500;
const MAX_LISTENERS = 200;
// A stack may be named a little after its stall has ended.
const SETTLED_SECONDS = 5;
// A stall that lasts longer than this is asked for now and then only: with it come all the
// newer ones of other loops.
const LONG_SECONDS = 30;
const LONG_EVERY = 10; // answers

export const loopKey = ({ process, pid, loop }) => JSON.stringify([process, pid, loop]);
const listenerKey = (l) => JSON.stringify([l.process, l.pid, l.listener]);

// Less than the threshold is ordinary work, not worth a person's attention.
export const isBlocked = (loop) => loop.blocked_seconds >= loop.stall_threshold_seconds;

const stallBegin = (stall) => Date.parse(stall.started_at) / 1000;

export const LISTENER = { time: 0, depth: 1, limit: 2 };
export const FLEET = { time: 0, blocked: 1, lagMax: 2, lagMean: 3 };

export class Model {
  constructor() {
    this.forget();
  }

  forget() {
    this.time = NaN;
    this.heardAt = NaN; // by performance.now(): when the loops were as they are told here
    this.targets = 0;
    this.loops = new Map(); // key: {key, now, history}
    this.listeners = new Map(); // key: {key, now, ring}
    this.sources = [];
    this.stalls = []; // in progress, then newest first; with begin and end in seconds
    this.fleet = new Ring(KEPT_ANSWERS, Object.keys(FLEET).length);
    this.leftOut = 0;
    this.stallsSeen = NaN;
    this.stallsWanted = true;
    this.answers = 0;
  }

  // An answer of /api/v1/loops.
  setState(state) {
    const time = Date.parse(state.time) / 1000;
    const known = state.loops.slice(0, MAX_LOOPS);
    if (!this.#addLoops(time, known)) {
      this.forget(); // another exporter answers: stalls are numbered anew
      this.#addLoops(time, known);
    }
    this.answers++;
    this.time = time;
    this.heardAt = performance.now();
    this.targets = state.targets;
    this.leftOut = state.loops.length - known.length;
    this.sources = state.sources;
    this.#addListeners(time, state.listeners.slice(0, MAX_LISTENERS));
    const worst = (value) => Math.max(0, ...known.map(value).filter(Number.isFinite));
    const means = [...this.loops.values()].map((l) => l.history.ring.last(4));
    this.fleet.push([
      time,
      worst((l) => l.blocked_seconds),
      worst((l) => l.lag_max_seconds),
      Math.max(0, ...means.filter(Number.isFinite)),
    ]);
    const stalls = known.reduce((sum, l) => sum + l.stalls, 0);
    if (stalls !== this.stallsSeen) this.stallsWanted = true;
    this.stallsSeen = stalls;
  }

  #addLoops(time, loops) {
    const next = new Map();
    for (const now of loops) {
      const key = loopKey(now);
      const history = this.loops.get(key)?.history ?? new LoopHistory(KEPT_ANSWERS);
      if (!history.add(time, now)) return false;
      next.set(key, { key, now, history });
    }
    this.loops = next;
    return true;
  }

  #addListeners(time, listeners) {
    const next = new Map();
    for (const now of listeners) {
      const key = listenerKey(now);
      const ring = this.listeners.get(key)?.ring ?? new Ring(KEPT_ANSWERS, 3);
      ring.push([time, now.depth, now.limit]);
      next.set(key, { key, now, ring });
    }
    this.listeners = next;
  }

  // Records up to this id can no longer change; null: there is nothing new to ask for.
  stallsSince() {
    const open = this.stalls.filter((s) =>
      (s.in_progress ? this.#isDue(s) : this.time - s.end < SETTLED_SECONDS));
    if (!this.stallsWanted && open.length === 0) return null;
    if (open.length > 0) return Math.min(...open.map((s) => s.id)) - 1;
    return Math.max(0, ...this.stalls.map((s) => s.id));
  }

  // Whether a stall in progress is to be asked for: also when its loop is no longer in it.
  #isDue(stall) {
    const lasts = this.time - stall.begin;
    const blocked = this.loops.get(loopKey(stall))?.now.blocked_seconds ?? 0;
    return lasts < LONG_SECONDS || blocked < lasts - 2 || this.answers % LONG_EVERY === 0;
  }

  // The records after id `since`, as /api/v1/stalls has them. A stall in progress that is
  // not among them has been pushed out by newer ones; its end will not be told.
  setStalls(records, since = 0) {
    this.stallsWanted = false;
    const byId = new Map(this.stalls.map((stall) =>
      [stall.id, stall.id > since ? { ...stall, in_progress: false } : stall]));
    for (const record of records) {
      const begin = stallBegin(record);
      byId.set(record.id, { ...record, begin, end: begin + record.duration_seconds });
    }
    this.stalls = [...byId.values()]
      .sort((a, b) => b.in_progress - a.in_progress || b.id - a.id)
      .slice(0, KEPT_STALLS);
  }

  // The stalls to mark on a loop's strip.
  stallsOf(key) {
    const first = this.time - WINDOW_SECONDS;
    return this.stalls.filter((s) => (s.in_progress || s.end > first) && loopKey(s) === key);
  }

  // The loops that are blocked now, the longest one first, each with its stall if known.
  blocked() {
    return [...this.loops.values()]
      .filter(({ now }) => isBlocked(now))
      .sort((a, b) => b.now.blocked_seconds - a.now.blocked_seconds)
      .map((loop) => ({
        ...loop,
        stall: this.stalls.find((s) => s.in_progress && loopKey(s) === loop.key),
      }));
  }

  // The listener whose queue was fullest in the window: of one process, or of all (null).
  fullestListener(pid) {
    const fullness = ({ ring }) =>
      Math.max(0, ...ring.column(LISTENER.depth).map((depth, i) =>
        depth / Math.max(1, ring.at(i, LISTENER.limit))));
    let best = null;
    for (const listener of this.listeners.values()) {
      if (pid !== null && listener.now.pid !== pid) continue;
      if (best === null || fullness(listener) > fullness(best)) best = listener;
    }
    return best;
  }
}
