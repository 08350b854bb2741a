// Answers of the API as the tests need them.

import { PHASES } from '../../../web/src/phases.js';

export function loop(fields = {}, seconds = {}) {
  return {
    process: 'api', slot: 0, pid: 42, loop: 'main', phase: 'poll_wait', blocked_seconds: 0,
    stall_threshold_seconds: 0.05,
    lag_max_seconds: 0, lag: { sum_seconds: 0, count: 0, over_100ms: 0 }, active_seconds: 0,
    idle_seconds: 0, stalls: 0, stall_seconds: 0,
    phase_seconds: { ...Object.fromEntries(PHASES.map((p) => [p, 0])), ...seconds },
    ...fields,
  };
}

export const at = (seconds) => new Date(seconds * 1000).toISOString();

export function state(seconds, loops, listeners = []) {
  return { time: at(seconds), targets: 1, loops, listeners, sources: [] };
}

export function stall(id, begin, duration, fields = {}) {
  return {
    id, process: 'api', pid: 42, loop: 'main', started_at: at(begin), duration_seconds: duration,
    in_progress: false, phase: 'timers', cause: 'cpu', causes: {}, function: null, file: null,
    line: null, detail: null, stack: [], ...fields,
  };
}
