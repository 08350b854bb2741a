// PromQL shared by the dashboards: selectors of the variables, guards against what a
// young, idle or stalled loop does not have.

/**
 * Labels that name one process: backlog metrics know no more than that. Slots are counted within
 * a container, whose labels are there where Loopscope or the scrape gives them. Labels
 * configured for a target are left out on purpose.
 */
export const PROCESS_LABELS = 'job, instance, namespace, pod, container, container_id, process, slot';
/** Labels that name one loop. */
export const LOOP_LABELS = `${PROCESS_LABELS}, loop`;

export const RATE_WINDOW = '$__rate_interval';
/** The whole time range; for tables, whose queries are evaluated once, at its end. */
export const WHOLE_RANGE = '$__range';

/** A loop metric, limited to what the variables select. */
export function ofLoops(metric, matchers = '') {
  const selected = 'job=~"$job", instance=~"$instance", process=~"$process"';
  return `${metric}{${selected}${matchers && `, ${matchers}`}}`;
}

/** A metric of Loopscope itself: those have no process label. */
export function ofLoopscope(metric) {
  return `${metric}{job=~"$job", instance=~"$instance"}`;
}

export function rate(series) {
  return `rate(${series}[${RATE_WINDOW}])`;
}

/**
 * By how much a counter grew, its first value included where the series is new: a stall's
 * cause or function gets its series with its first stall, which increase() misses. A series
 * of one sample has no increase(), one that ended has no value now; last_over_time has both.
 */
export function grown(series, window) {
  const none = `0 * last_over_time(${series}[${window}])`;
  const first = `min_over_time(${series}[${window}]) unless ${series} offset ${window}`;
  return `((increase(${series}[${window}]) or ${none}) + (${first} or ${none}))`;
}

export function by(labels, aggregation, expression) {
  return `${aggregation} by (${labels}) (${expression})`;
}

export function byLoop(aggregation, expression) {
  return by(LOOP_LABELS, aggregation, expression);
}

export function byProcess(aggregation, expression) {
  return by(PROCESS_LABELS, aggregation, expression);
}

/** The loops that are there: what they run on, and the pid that has their slot. */
export function loopsAlive() {
  const loops = by(`${LOOP_LABELS}, runtime, runtime_version`, 'max', ofLoops('eventloop_info'));
  const pids = by(`${PROCESS_LABELS}, pid`, 'max', ofLoops('eventloop_process_info'));
  const match = `on (${PROCESS_LABELS})`;
  return `${loops} * ${match} group_left (pid) topk by (${PROCESS_LABELS}) (1, ${pids}) or on (${LOOP_LABELS}) ${loops}`;
}

/** Share of its time that each loop was not waiting in poll. */
export function utilization() {
  const time = (matchers) =>
    byLoop('sum', rate(ofLoops('eventloop_time_seconds_total', matchers)));
  return `${time('state="active"')} / (${time('')} > 0)`;
}

/**
 * Fraction of arrivals, by loop, that wait longer than a bucket's bound. Lag enters the
 * histogram when a stall ends: while one stall fills the whole window nothing is counted,
 * and the answer is 1, as everybody waits.
 */
export function lateFraction(bound) {
  const inTime = byLoop('sum', rate(ofLoops('eventloop_lag_seconds_bucket', `le="${bound}"`)));
  const all = byLoop('sum', rate(ofLoops('eventloop_lag_seconds_count')));
  const stalled = byLoop('max', ofLoops('eventloop_blocked_seconds')) + ` > ${bound}`;
  return `clamp_min(1 - ${inTime} / (${all} > 0), 0) or 1 + 0 * (${stalled})`;
}

/** A quantile of the lag of everything selected; `>= 0` drops NaN (nothing counted). */
export function lagQuantile(quantile) {
  const buckets = by('le', 'sum', rate(ofLoops('eventloop_lag_seconds_bucket')));
  return `histogram_quantile(${quantile}, ${buckets}) >= 0`;
}

/** The same by loop; while one stall fills the window, how long it has lasted. */
export function lagQuantileByLoop(quantile) {
  const labels = `${LOOP_LABELS}, le`;
  const buckets = by(labels, 'sum', rate(ofLoops('eventloop_lag_seconds_bucket')));
  const stalled = byLoop('max', ofLoops('eventloop_blocked_seconds'));
  return `histogram_quantile(${quantile}, ${buckets}) >= 0 or ${stalled} > 0`;
}

const CULPRIT = ofLoops('eventloop_stall_culprit_seconds_total');

/** Stall seconds by function over the time range, the heaviest of the selection. */
export function topCulprits(count) {
  const seconds = by('process, function, file, line, package', 'sum', grown(CULPRIT, WHOLE_RANGE));
  const where = `label_join(${seconds}, "where", ":", "file", "line")`;
  return `topk(${count}, ${where} > 0)`;
}

/**
 * For each loop that is there the function that held it most of late, else in the whole
 * range, else "none", so that the table has this cell for every loop and no other.
 */
export function lastCulprit() {
  const heaviest = (window) => {
    const labels = `${LOOP_LABELS}, function, file, line`;
    return `topk by (${LOOP_LABELS}) (1, ${by(labels, 'sum', grown(CULPRIT, window))} > 0)`;
  };
  const named = (series) =>
    `label_join(label_join(${series}, "where", ":", "file", "line"), ` +
    '"culprit", " ", "function", "where")';
  const alive = byLoop('max', ofLoops('eventloop_info'));
  const nobody = `label_replace(${alive} * 0, "culprit", "none", "", "")`;
  const match = `on (${LOOP_LABELS})`;
  const known = `(${named(heaviest(RATE_WINDOW))} or ${match} ${named(heaviest(WHOLE_RANGE))})`;
  return `${known} and ${match} ${alive} or ${match} ${nobody}`;
}

const LISTENER_LABELS = `${PROCESS_LABELS}, listener`;

export function byListener(metric) {
  return by(LISTENER_LABELS, 'max', ofLoops(metric));
}

/** Share of an accept queue in use; it holds one connection more than its limit says. */
export function backlogUsed(metric) {
  return `${byListener(metric)} / (${byListener('eventloop_backlog_limit_connections')} + 1)`;
}

/** How busy the main loop of each process was between the last two scrapes. */
function busyNow() {
  const time = (matchers) => {
    const series = ofLoops('eventloop_time_seconds_total', matchers);
    return byProcess('sum', `irate(${series}[${RATE_WINDOW}])`);
  };
  return `${time('loop="main", state="active"')} / (${time('loop="main"')} > 0)`;
}

/**
 * 0: the queue is fine. Over the bound it is 1: the process's loops are late, 2: they are not and
 * the main one is idle, 3: this is not measured, 4: they are not late and the main one is busy.
 * Depth and lag are maxima of the last minute, so that they speak of the same time; low lag alone
 * does not say that a loop is free.
 */
export function backlogPattern(usedBound, lagBound, busyBound) {
  const over = `(${backlogUsed('eventloop_backlog_max_connections')} > bool ${usedBound})`;
  const late = `(${byProcess('max', ofLoops('eventloop_lag_max_seconds'))} >= bool ${lagBound})`;
  const state = `(2 + 2 * (${busyNow()} >= bool ${busyBound})) * (1 - ${late}) + ${late}`;
  return `${over} * on (${PROCESS_LABELS}) group_left () (${state}) or ${over} * 3`;
}
