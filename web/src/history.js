// What a loop did between one answer and the next, for as many answers as a strip shows.

import { PHASES } from './phases.js';

// Rows of numbers, the newest `capacity` of them.
export class Ring {
  #columns;
  #next = 0;

  constructor(capacity, width) {
    this.capacity = capacity;
    this.length = 0;
    this.#columns = Array.from({ length: width }, () => new Float64Array(capacity));
  }

  push(row) {
    this.#columns.forEach((column, i) => {
      column[this.#next] = row[i];
    });
    this.#next = (this.#next + 1) % this.capacity;
    this.length = Math.min(this.length + 1, this.capacity);
  }

  // Row 0 is the oldest one kept.
  at(row, column) {
    const first = this.#next - this.length + this.capacity;
    return this.#columns[column][(first + row) % this.capacity];
  }

  last(column) {
    return this.length === 0 ? NaN : this.at(this.length - 1, column);
  }

  column(column) {
    return Array.from({ length: this.length }, (_, row) => this.at(row, column));
  }
}

// Columns of a loop's ring; the seconds of the phases, in the order of PHASES, follow.
export const COLUMN = {
  begin: 0, end: 1, blocked: 2, lagMax: 3, lagMean: 4, late: 5, busy: 6, phases: 7,
};
const WIDTH = COLUMN.phases + PHASES.length;

const grown = (now, before) => Math.max(0, now - before);
const ratio = (part, whole) => (whole > 0 ? part / whole : NaN);

export class LoopHistory {
  constructor(capacity) {
    this.ring = new Ring(capacity, WIDTH);
    this.before = null;
    this.beforeTime = NaN;
  }

  // `loop` as the API has it, at `time` in seconds. False: its counters went down, so it
  // is not the loop it was.
  add(time, loop) {
    const { before, beforeTime } = this;
    const watched = (l) => l.active_seconds + l.idle_seconds;
    if (before !== null && watched(loop) < watched(before)) return false;
    this.before = loop;
    this.beforeTime = time;
    if (before === null || !(time > beforeTime)) return true;
    const active = grown(loop.active_seconds, before.active_seconds);
    const idle = grown(loop.idle_seconds, before.idle_seconds);
    const arrivals = grown(loop.lag?.count, before.lag?.count);
    const seconds = PHASES.map((p) => grown(loop.phase_seconds[p], before.phase_seconds[p]));
    this.ring.push([
      beforeTime,
      time,
      loop.blocked_seconds ?? NaN, // null: not known
      loop.lag_max_seconds ?? NaN,
      ratio(grown(loop.lag?.sum_seconds, before.lag?.sum_seconds), arrivals),
      ratio(grown(loop.lag?.over_100ms, before.lag?.over_100ms), arrivals),
      ratio(active, active + idle),
      ...seconds,
    ]);
    return true;
  }

  // The mean of a column over the last `count` rows that have one.
  recent(column, count) {
    let sum = 0;
    let known = 0;
    for (let row = Math.max(0, this.ring.length - count); row < this.ring.length; row++) {
      const value = this.ring.at(row, column);
      if (!Number.isFinite(value)) continue;
      sum += value;
      known++;
    }
    return ratio(sum, known);
  }
}
