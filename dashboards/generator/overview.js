// Loop overview: which loop is late, since when, in which phase, why, and who blocks it.

import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';

import { BACKLOG, OVERVIEW, finish, frame, runbooks } from './frame.js';
import { addHealth } from './health.js';
import * as panels from './panels.js';
import * as queries from './queries.js';

const { LOOP_LEGEND } = panels;
const { by, byLoop, grown, ofLoops, rate, RATE_WINDOW } = queries;

// The values of the alerts, so that colours and alerts say the same.
const BLOCKED_COLORS = [
  [null, 'green'],
  [0.1, 'yellow'],
  [1, 'red'],
];
const UTILIZATION_COLORS = [
  [null, 'green'],
  [0.7, 'yellow'],
  [0.9, 'red'],
];
const LAG_COLORS = [
  [null, 'green'],
  [0.1, 'yellow'],
  [0.5, 'red'],
];

function fleet() {
  const blocked = byLoop('max', ofLoops('eventloop_blocked_seconds'));
  const stalls = byLoop('sum', rate(ofLoops('eventloop_stall_duration_seconds_count')));
  const processLink = {
    title: `${BACKLOG.title} of this process`,
    url: `/d/${BACKLOG.uid}?\${__url_time_range}&\${datasource:queryparam}&var-process=\${__value.text}`,
  };
  const panel = panels.rows(
    {
      title: 'Fleet',
      unit: units.Short,
      width: 24,
      height: 9,
      description:
        'One row per loop, as it is at the end of the time range. Utilization, lag and stalls are over the ' +
        'last few scrapes. An idle loop reads up to 1 ms of lag: that is the first bucket. While a stall ' +
        'lasts that fills this window, lag is how long it has lasted. Last culprit: the function seen ' +
        'blocking the loop most in the last few scrapes, else in the time range, else "none", and where it ' +
        'begins. Sort by a ' +
        'heading; a process links to its backlog.',
      queries: [
        [queries.loopsAlive()],
        [queries.utilization()],
        [queries.lagQuantileByLoop(0.99)],
        [blocked],
        [`60 * ${stalls}`],
        [queries.lastCulprit()],
      ],
    },
    [
      ['process', 'Process', [{ id: 'links', value: [processLink] }]],
      ['slot', 'Slot'],
      ['pid', 'Pid'],
      ['pod', 'Pod'],
      ['loop', 'Loop'],
      ['instance', 'Loopscope'],
      ['runtime', 'Runtime'],
      ['runtime_version', 'Version'],
      ['Value #B', 'Utilization', panels.column(units.PercentUnit, UTILIZATION_COLORS)],
      ['Value #C', 'Lag p99', panels.column(units.Seconds, LAG_COLORS)],
      ['Value #D', 'Blocked now', panels.column(units.Seconds, BLOCKED_COLORS)],
      ['Value #E', 'Stalls per minute', panels.column(units.Short)],
      ['culprit', 'Last culprit', [{ id: 'custom.minWidth', value: 250 }]],
    ],
    ['Time', 'job', ...panels.CONTAINER_FIELDS, 'function', 'file', 'line', 'where', 'Value #A', 'Value #F'],
  );
  return panels.largestFirst(panel, 'Lag p99');
}

function late() {
  return panels
    .lines({
      title: 'Fraction of arrivals late',
      unit: units.PercentUnit,
      width: 12,
      description:
        'Of all requests that arrive at a random moment, how many wait longer than 100 ms and 500 ms until ' +
        'the loop polls again. Exact: both are bounds of buckets. A stall counts when it ends; while one ' +
        'fills the whole window everybody waits and the value is 100 %. Above 1 %: look at the stalls ' +
        `below, then at the functions. ${runbooks('EventLoopLagHigh', 'EventLoopLagCritical')}`,
      queries: [
        [queries.lateFraction('0.1'), `${LOOP_LEGEND} > 100 ms`],
        [queries.lateFraction('0.5'), `${LOOP_LEGEND} > 500 ms`],
      ],
    })
    .max(1);
}

function lagHeatmap() {
  return panels.buckets({
    title: 'Lag heatmap',
    unit: units.Seconds,
    width: 12,
    description:
      'Where the lag of all selected loops lies, weighted by time: each millisecond of wall time is one ' +
      'arrival. Everything in the lowest row is well. A second band higher up is a task of that length ' +
      'that comes again and again.',
    queries: [
      [by('le', 'sum', `increase(${ofLoops('eventloop_lag_seconds_bucket')}[${RATE_WINDOW}])`), '{{le}}'],
    ],
  });
}

function lagQuantiles() {
  return panels.lines({
    title: 'Lag quantiles of the selection',
    unit: units.Seconds,
    width: 12,
    description:
      'Lag that half, 90 %, 99 % and 99.9 % of all arrivals stayed under, over all selected loops together. ' +
      'Interpolated within a bucket: an idle loop reads up to 1 ms, and 10 s is the most. While one stall ' +
      'fills the whole window of every selected loop there is nothing to count and the lines have a gap; ' +
      'the panel above has none.',
    queries: [0.5, 0.9, 0.99, 0.999].map((quantile) => [
      queries.lagQuantile(quantile),
      `p${quantile * 100}`,
    ]),
  });
}

function lagMaximum() {
  return panels.lines({
    title: 'Largest lag of the last minute',
    unit: units.Seconds,
    width: 12,
    description:
      'The worst that an arrival met in the minute before, by loop, with the stall in progress. No short ' +
      'stall is lost between two scrapes. 0: the loop never was late.',
    queries: [[byLoop('max', ofLoops('eventloop_lag_max_seconds')), LOOP_LEGEND]],
  });
}

function blockedNow() {
  return panels.strips(
    {
      title: 'Blocked now',
      unit: units.Seconds,
      width: 24,
      height: 6,
      description:
        'For how long each loop had been busy without polling when it was scraped: yellow from 0.1 s, red ' +
        'from 1 s; the largest of the last few scrapes. Shows a stall while it lasts. Green all along: no ' +
        `scrape met a block, which short ones can slip through; the maximum below has those. ${runbooks('EventLoopBlocked')}`,
      queries: [
        [
          byLoop('max', `max_over_time(${ofLoops('eventloop_blocked_seconds')}[${RATE_WINDOW}])`),
          LOOP_LEGEND,
        ],
      ],
    },
    panels.steps(BLOCKED_COLORS),
  );
}

function utilization() {
  return panels
    .lines({
      title: 'Utilization',
      unit: units.PercentUnit,
      width: 12,
      description:
        'Share of its time that each loop was not waiting for events. Above 90 % for minutes it is ' +
        'saturated: more processes, or less work on the loop. Low with a high lag: few, long tasks. ' +
        runbooks('EventLoopSaturated'),
      queries: [[queries.utilization(), LOOP_LEGEND]],
    })
    .max(1);
}

function phases() {
  return panels
    .stack({
      title: 'Time by phase',
      unit: units.PercentUnit,
      width: 12,
      description:
        'Where the time of the selected loops goes, on average; all phases together are 100 %. poll_wait is ' +
        'waiting, poll the I/O callbacks, timers what setTimeout runs, check what setImmediate runs, closing ' +
        'the close callbacks. unknown: a loop that is not on libuv, or whose phases cannot be read.',
      queries: [[by('phase', 'avg', rate(ofLoops('eventloop_phase_seconds_total'))), '{{phase}}']],
    })
    .max(1);
}

function stallPanels() {
  const counted = grown(ofLoops('eventloop_stalls_total'), RATE_WINDOW);
  const timed = grown(ofLoops('eventloop_stall_seconds_total'), RATE_WINDOW);
  const more =
    'Windows overlap: bars do not add up to a total. A healthy process reads 0 under cpu and has no other cause.';
  return [
    panels.bars({
      title: 'Stalls by cause',
      unit: units.Short,
      width: 8,
      description:
        'Busy periods at or over the stall threshold, per window. cpu: it computed; gc: garbage collection; ' +
        'blocked: asleep in a synchronous call (use the asynchronous one); starved: given no CPU (limits or ' +
        `neighbours, not code); stopped: SIGSTOP or frozen. ${more} docs/causes.md has more. ` +
        runbooks('EventLoopStallsFrequent', 'EventLoopBlockedInSystemCall', 'EventLoopStarved'),
      queries: [[by('cause', 'sum', counted), '{{cause}}']],
    }),
    panels.bars({
      title: 'Stalls by phase',
      unit: units.Short,
      width: 8,
      description:
        'The same stalls by the phase they happened in: poll is work done for a request, timers work done ' +
        'on a schedule. Windows overlap: bars do not add up to a total. A healthy process reads 0 in every phase.',
      queries: [[by('phase', 'sum', counted), '{{phase}}']],
    }),
    panels.bars({
      title: 'Stalled time by cause',
      unit: units.Seconds,
      width: 8,
      description: `Seconds spent in stalls, per window, growing while a stall lasts. ${more}`,
      queries: [[by('cause', 'sum', timed), '{{cause}}']],
    }),
  ];
}

function functions() {
  return panels
    .rows(
      {
        title: 'Top blocking functions',
        unit: units.Seconds,
        width: 24,
        height: 9,
        description:
          'Functions that held a loop during stalls in the time range, by the seconds they held it: the ' +
          'innermost function of the program itself, where it begins, and the package of node_modules in ' +
          'which the time went, if it went there. other: everything beyond 50 functions of a loop. ' +
          'Start with the first line: split it, or move it to a worker thread or another process. ' +
          'Empty for a healthy process: no stall, no function.',
        queries: [[queries.topCulprits(20)]],
      },
      [
        ['process', 'Process'],
        ['function', 'Function'],
        ['where', 'Where it begins', [{ id: 'custom.minWidth', value: 300 }]],
        ['package', 'In package'],
        ['Value', 'Held the loop', panels.column(units.Seconds)],
      ],
      ['Time', 'file', 'line'],
    )
    .noValue('No stall with a known function in this time range');
}

export function overview() {
  const dashboard = frame(
    OVERVIEW,
    BACKLOG,
    'Which event loop is late, since when, in which phase, why, and which function blocks it. See docs/dashboards.md.',
  );
  dashboard
    .withRow(new RowBuilder('Loops'))
    .withPanel(fleet())
    .withPanel(blockedNow())
    .withRow(new RowBuilder('Lag: how long an arrival waits'))
    .withPanel(late())
    .withPanel(lagMaximum())
    .withPanel(lagQuantiles())
    .withPanel(lagHeatmap())
    .withRow(new RowBuilder('Where the time goes'))
    .withPanel(utilization())
    .withPanel(phases())
    .withRow(new RowBuilder('Stalls: why, and who'));
  stallPanels().forEach((panel) => dashboard.withPanel(panel));
  dashboard.withPanel(functions());
  addHealth(dashboard);
  return finish(dashboard);
}
