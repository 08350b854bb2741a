// What both dashboards have in common: variables, links to each other, alerts as annotations.

import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';

/** The data source is chosen in Grafana, so that an import asks for nothing. */
export const DATA_SOURCE = { type: 'prometheus', uid: '${datasource}' };

export const OVERVIEW = { uid: 'loopscope-overview', title: 'Loop overview' };
export const BACKLOG = { uid: 'loopscope-backlog', title: 'Backlog and accepts' };

/** Where a panel's description sends its reader: paths in the repository, as it has no address. */
export function runbooks(...alerts) {
  return `Runbook: ${alerts.map((alert) => `docs/runbooks/${alert}.md`).join(', ')}.`;
}

function variable(name, label, description, values) {
  return new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATA_SOURCE)
    .query(values)
    .definition(values)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}

function linkTo({ uid, title }) {
  return new DashboardLinkBuilder(title)
    .type(DashboardLinkType.Link)
    .url(`/d/${uid}`)
    .tooltip(`${title}, same time and selection`)
    .keepTime(true)
    .includeVars(true);
}

// An alert without a process label (Loopscope's own) belongs to every selection: hence the
// empty alternative.
const FIRING =
  'ALERTS{alertstate="firing", alertname=~"EventLoop.*|Loopscope.*", process=~"$process|"}';

function alerts() {
  return new AnnotationQueryBuilder()
    .name('Alerts')
    .datasource(DATA_SOURCE)
    .enable(true)
    .iconColor('red')
    .expr(FIRING)
    .target(new DataqueryBuilder().refId('Alerts').datasource(DATA_SOURCE).expr(FIRING).range())
    .titleFormat('{{alertname}}')
    .textFormat('{{process}} {{slot}} {{loop}} {{listener}} {{pod}}')
    .tagKeys('severity');
}

/** An empty dashboard; `other` is the one it links to. */
export function frame(self, other, description) {
  return new DashboardBuilder(self.title)
    .id(null)
    .uid(self.uid)
    .description(description)
    .tags(['loopscope', 'event-loop'])
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(linkTo(other))
    .annotation(alerts())
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(
      variable('job', 'Job', 'Scrape job', 'label_values(loopscope_build_info, job)'),
    )
    .withVariable(
      variable(
        'instance',
        'Loopscope',
        'Which Loopscope (scrape target)',
        'label_values(loopscope_build_info{job=~"$job"}, instance)',
      ),
    )
    .withVariable(
      variable(
        'process',
        'Process',
        'Watched process, by name',
        'label_values(eventloop_info{job=~"$job", instance=~"$instance"}, process)',
      ),
    );
}

/** The dashboard as JSON; Grafana gives out the numbers of panels, and rows come with one. */
export function finish(dashboard) {
  const json = dashboard.build();
  json.panels.forEach((panel) => delete panel.id);
  return json;
}
