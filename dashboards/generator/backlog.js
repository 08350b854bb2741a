// Backlog and accepts: is a queue full because the loop is blocked, or although it is not?

import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';

import { BACKLOG, OVERVIEW, finish, frame, runbooks } from './frame.js';
import * as panels from './panels.js';
import * as queries from './queries.js';

const { LISTENER_LEGEND, LOOP_LEGEND } = panels;
const { backlogUsed, byListener, byLoop, byProcess, ofLoops, rate } = queries;

const USED_BOUND = 0.8;
const LAG_BOUND = 0.25;
// As in the alert EventLoopBacklogFullLoopHealthy.
const BUSY_BOUND = 0.5;
const USED_COLORS = [
  [null, 'green'],
  [0.5, 'yellow'],
  [USED_BOUND, 'red'],
];
const PATTERNS = {
  0: ['queue fine', 'green'],
  1: ['filling: loop is late', 'orange'],
  2: ['filling: loop is idle', 'red'],
  3: ['filling: lag not measured', 'purple'],
  4: ['filling: loop is busy in short turns', 'yellow'],
};
const ABSENT_WHERE =
  'Programs that embed the library have no backlog figures: run `loopscope` beside them.';

const EXPLANATION = `
| the queue | the loop | what happens | what to do |
|---|---|---|---|
| fills | late | **The loop is blocked**: it does not come round to accept. Depth and lag rise and fall together. | *Loop overview*, "Top blocking functions": shorten or move that work. |
| fills | busy, low lag | **Busy in short turns**: a turn accepts one connection (libuv 1.45 and later, Node 20 and later), and there are more clients than turns. A new client waits for all turns before it. | More processes, connections that are kept alive, less work for each request. |
| fills | idle, low lag | **Accepts are stuck**: the program does not take what it could. A connection limit, no free file descriptors, a paused or forgotten listener, another process that holds the socket. | Not the loop's problem. Look at the program's own limits, its open files, who else listens (\`ss -ltnp\`). |
| empty | late | Clients are connected and wait for answers: unread connections rise. | As in the first line. |
| empty, but overflows rise | any | Another listener of the network namespace overflows. | \`ss -ltn\` there: Recv-Q above Send-Q. |

A full queue is not refused: Linux drops the handshake and clients see time-outs. Every alert has a runbook: \`docs/runbooks/\`.
`.trim();

function explanation() {
  return panels.markdown({
    title: 'Failures that look alike',
    description: 'How to tell a blocked loop, a busy one and stuck accepts apart.',
    width: 24,
    height: 8,
    content: EXPLANATION,
  });
}

function pattern() {
  return panels
    .strips(
      {
        title: 'Which of them',
        unit: units.NoUnit,
        width: 24,
        height: 6,
        description:
          'By listener, over the minute before: green while its queue stays under 80 %. Above that, orange if ' +
          'a loop of the process was late by 250 ms or more (the loop is blocked); if none was, red where the ' +
          'main loop is idle for more than half of its time (accepts are stuck), yellow where it is not (busy ' +
          `in short turns); purple if this is not measured. ${ABSENT_WHERE} ` +
          runbooks('EventLoopBacklogFullLoopHealthy', 'EventLoopBusyInShortTurns'),
        queries: [[queries.backlogPattern(USED_BOUND, LAG_BOUND, BUSY_BOUND), LISTENER_LEGEND]],
      },
      panels.steps([[null, 'green']]),
    )
    .mappings([panels.words(PATTERNS)]);
}

function listeners() {
  const panel = panels.rows(
    {
      title: 'Listeners',
      unit: units.Short,
      width: 24,
      description:
        'One row per listener, as it is at the end of the time range, with the lag of its process beside it. ' +
        'Used is the largest depth of the last minute against what the queue holds; 100 % is full. Half-open ' +
        `and unread are empty where they are not measured. ${ABSENT_WHERE}`,
      queries: [
        [byListener('eventloop_backlog_connections')],
        [byListener('eventloop_backlog_max_connections')],
        [byListener('eventloop_backlog_limit_connections')],
        [backlogUsed('eventloop_backlog_max_connections')],
        [byListener('eventloop_backlog_syn_received_connections')],
        [byListener('eventloop_unread_connections')],
        [
          `0 * ${byListener('eventloop_backlog_connections')} + on (${queries.PROCESS_LABELS}) ` +
            `group_left () ${byProcess('max', ofLoops('eventloop_lag_max_seconds'))}`,
        ],
      ],
    },
    [
      ['process', 'Process'],
      ['slot', 'Slot'],
      ['pod', 'Pod'],
      ['listener', 'Listener'],
      ['instance', 'Loopscope'],
      ['Value #A', 'Depth now'],
      ['Value #B', 'Largest, 1 min'],
      ['Value #C', 'Limit'],
      ['Value #D', 'Used', panels.column(units.PercentUnit, USED_COLORS)],
      ['Value #E', 'Half-open'],
      ['Value #F', 'Unread'],
      ['Value #G', 'Largest lag, 1 min', panels.column(units.Seconds)],
    ],
    ['Time', 'job', ...panels.CONTAINER_FIELDS],
  );
  return panels.largestFirst(panel, 'Used');
}

function depth() {
  const panel = panels.lines({
    title: 'Depth against limit',
    unit: units.Short,
    width: 12,
    description:
      'Connections that the kernel has completed and nobody has accepted yet, at each scrape, and the limit ' +
      '(dashed): the listen backlog, capped by somaxconn. Full is one above the limit. Compare with the lag ' +
      `beside it: together, the loop is blocked; depth alone, look at the utilization below. ${ABSENT_WHERE}`,
    queries: [
      [byListener('eventloop_backlog_connections'), LISTENER_LEGEND],
      [byListener('eventloop_backlog_limit_connections'), `${LISTENER_LEGEND} limit`],
    ],
  });
  return panels.dashed(panel, '/ limit$/');
}

function lag() {
  return panels.lines({
    title: 'Lag of the same processes',
    unit: units.Seconds,
    width: 12,
    description:
      'The worst that an arrival met in the minute before, by loop, with the stall in progress. Read it ' +
      'together with the depth on the left.',
    queries: [[byLoop('max', ofLoops('eventloop_lag_max_seconds')), LOOP_LEGEND]],
  });
}

function used() {
  return panels
    .lines({
      title: 'Queue used, largest of the last minute',
      unit: units.PercentUnit,
      width: 12,
      description:
        'Largest depth of the minute before as a share of what the queue holds (limit + 1): 100 % is full, ' +
        'and from there on connections are dropped. Keeps short peaks between two scrapes. Raise the listen ' +
        `backlog and net.core.somaxconn only if the lag is low and peaks are short. ${ABSENT_WHERE} ` +
        runbooks('EventLoopBacklogNearLimit'),
      queries: [[backlogUsed('eventloop_backlog_max_connections'), LISTENER_LEGEND]],
    })
    .thresholds(panels.steps(USED_COLORS));
}

function utilization() {
  return panels
    .lines({
      title: 'Utilization of the same processes',
      unit: units.PercentUnit,
      width: 12,
      description:
        'Share of its time that each loop was busy. A full queue beside a low utilization: the loop has time ' +
        'and does not accept. Beside a high one and a low lag: its turns are short, each accepts one ' +
        `connection, and new clients wait for all of them. ${runbooks('EventLoopBusyInShortTurns')}`,
      queries: [[queries.utilization(), LOOP_LEGEND]],
    })
    .max(1);
}

function overflows() {
  // Processes of one network namespace show the same counter: never a sum of them.
  const worst = (metric) => byProcess('max', rate(ofLoops(metric)));
  return panels.lines({
    title: 'Overflows and drops',
    unit: units.CountsPerSecond,
    width: 8,
    description:
      'Handshakes that found a full accept queue (overflows), and all dropped connection requests (drops), ' +
      'per second, in the network namespace of the process: processes that share one show the same line, so ' +
      `do not add them up. Clients see time-outs. 0 for a healthy process. ${ABSENT_WHERE} ` +
      runbooks('EventLoopBacklogOverflowing'),
    queries: [
      [worst('eventloop_listen_overflows_total'), '{{process}} {{slot}} overflows {{pod}}'],
      [worst('eventloop_listen_drops_total'), '{{process}} {{slot}} drops {{pod}}'],
    ],
  });
}

function halfOpen() {
  return panels.lines({
    title: 'Half-open connections',
    unit: units.Short,
    width: 8,
    description:
      'Handshakes under way, by listener. Usually near 0. Many: clients far away, a SYN flood, or a full ' +
      `queue that lets no handshake finish. Absent where it is not measured. ${ABSENT_WHERE}`,
    queries: [[byListener('eventloop_backlog_syn_received_connections'), LISTENER_LEGEND]],
  });
}

function unread() {
  return panels.lines({
    title: 'Connections with unread bytes',
    unit: units.Short,
    width: 8,
    description:
      'Accepted and not yet accepted connections that have sent something nobody has read. Rising with the ' +
      'lag: requests wait for the loop. Rising with a low lag: the program does not read (paused streams, ' +
      `back pressure). Absent where it is not measured. ${ABSENT_WHERE} ` +
      runbooks('EventLoopConnectionsUnread'),
    queries: [[byListener('eventloop_unread_connections'), LISTENER_LEGEND]],
  });
}

export function backlog() {
  const dashboard = frame(
    BACKLOG,
    OVERVIEW,
    'How full the accept queues are, and whether the loop is the reason. See docs/dashboards.md.',
  );
  dashboard
    .withPanel(explanation())
    .withPanel(pattern())
    .withPanel(listeners())
    .withRow(new RowBuilder('The queue (left) and the loop (right)'))
    .withPanel(depth())
    .withPanel(lag())
    .withPanel(used())
    .withPanel(utilization())
    .withRow(new RowBuilder('Connections'))
    .withPanel(overflows())
    .withPanel(halfOpen())
    .withPanel(unread());
  return finish(dashboard);
}
