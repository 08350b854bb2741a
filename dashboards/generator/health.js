// Loopscope itself, as the last row of the overview: whether its figures can be trusted.

import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';

import { runbooks } from './frame.js';
import * as panels from './panels.js';
import { by, ofLoopscope, rate } from './queries.js';

const INSTANCE = 'job, instance';

/** process_* metrics are everybody's: those of other jobs are left out. */
function own(expression) {
  const loopscope = by(INSTANCE, 'max', ofLoopscope('loopscope_build_info'));
  return `${expression} and on (${INSTANCE}) ${loopscope}`;
}

function sources() {
  return panels
    .strips(
      {
        title: 'Sources',
        unit: units.NoUnit,
        width: 12,
        height: 6,
        description:
          'Whether the last pass of each source of figures succeeded. Failing: its figures are missing, not ' +
          `zero; the log and \`loopscope doctor\` say why. ${runbooks('LoopscopeSourceFailing')}`,
        queries: [
          [by(`${INSTANCE}, source`, 'min', ofLoopscope('loopscope_source_success')), '{{instance}} {{source}}'],
        ],
      },
      panels.steps([
        [null, 'red'],
        [1, 'green'],
      ]),
    )
    .mappings([panels.words({ 0: ['failing', 'red'], 1: ['works', 'green'] })]);
}

function targets() {
  return panels.lines({
    title: 'Processes watched',
    unit: units.Short,
    width: 6,
    height: 6,
    description:
      'How many processes each Loopscope watches. A step down: a target ended or cannot be read. ' +
      runbooks('EventLoopTargetVanished'),
    queries: [[by(INSTANCE, 'max', ofLoopscope('loopscope_targets')), '{{instance}}']],
  });
}

function lateness() {
  return panels.lines({
    title: 'Sampler lateness',
    unit: units.PercentUnit,
    width: 6,
    height: 6,
    description:
      'How late the sampling thread woke up, as a share of the time. Some percent are normal at up to a ' +
      'thousand wake-ups a second. Much more: Loopscope itself gets no CPU, and short stalls are measured ' +
      'less exactly. 0 in a program that embeds the library: nothing is sampled there.',
    queries: [
      [by(INSTANCE, 'sum', rate(ofLoopscope('loopscope_sampler_late_seconds_total'))), '{{instance}}'],
    ],
  });
}

function captures() {
  return panels.bars({
    title: 'Stack captures by result',
    unit: units.CountsPerSecond,
    width: 8,
    height: 7,
    description:
      'Looks at the stacks of stalled loops per second. perf, ptrace and sleeping: taken, by which way; none: ' +
      'the thread neither ran long enough nor slept; refused: every way is refused or off, so functions stay ' +
      'unnamed (`loopscope doctor` says what would allow it). 0 for a healthy process; absent while stacks are switched off and from programs that embed the library.',
    queries: [
      [by('result', 'sum', rate(ofLoopscope('loopscope_stack_captures_total'))), '{{result}}'],
    ],
  });
}

function stops() {
  return panels.lines({
    title: 'Time targets were stopped',
    unit: units.PercentUnit,
    width: 8,
    height: 7,
    description:
      'Share of the time that targets stood still for a stack capture: 0 where perf events are allowed, as ' +
      'no stop is needed then. Absent while stacks are switched off and from programs that embed the library.',
    queries: [[by(INSTANCE, 'sum', rate(ofLoopscope('loopscope_stack_stop_seconds_sum'))), '{{instance}}']],
  });
}

function cost() {
  const cpu = by(INSTANCE, 'max', rate(ofLoopscope('process_cpu_seconds_total')));
  const memory = by(INSTANCE, 'max', ofLoopscope('process_resident_memory_bytes'));
  return panels
    .lines({
      title: 'Own CPU and memory',
      unit: units.PercentUnit,
      width: 8,
      height: 7,
      description:
        'What Loopscope uses: CPU as a share of one core (left), resident memory (right). For a program ' +
        'that embeds the library it is what the whole program uses.',
      queries: [
        [own(cpu), '{{instance}} CPU'],
        [own(memory), '{{instance}} memory'],
      ],
    })
    .overrideByRegexp('/ memory$/', [
      { id: 'unit', value: units.BytesIEC },
      { id: 'custom.axisPlacement', value: 'right' },
    ]);
}

export function addHealth(dashboard) {
  dashboard.withRow(new RowBuilder('Loopscope itself'));
  [sources(), targets(), lateness(), captures(), stops(), cost()].forEach((panel) =>
    dashboard.withPanel(panel),
  );
}
