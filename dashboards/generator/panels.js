// Panels with the settings that are the same everywhere. All take {title, unit, description,
// width, height, queries}; a query is [expression, legend].

import {
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TableSortByFieldStateBuilder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as text from '@grafana/grafana-foundation-sdk/text';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

import { DATA_SOURCE } from './frame.js';

/** How series of one loop are called. */
export const LOOP_LEGEND = '{{process}} {{slot}} {{loop}} {{pod}}';
export const LISTENER_LEGEND = '{{process}} {{slot}} {{listener}} {{pod}}';

/** Labels of containers that tables leave out; the pod has a column. */
export const CONTAINER_FIELDS = ['namespace', 'container', 'container_id'];

const REF_IDS = 'ABCDEFGHIJKLMNOP';

function query(expression, index) {
  return new DataqueryBuilder()
    .refId(REF_IDS[index])
    .datasource(DATA_SOURCE)
    .expr(expression)
    .range();
}

/** What every panel has; `builder` is the one of its kind. */
function common(builder, { title, unit, description, width, height = 8 }) {
  if (unit) builder.unit(unit);
  return builder.title(title).description(description).datasource(DATA_SOURCE).span(width).height(height);
}

function withSeries(panel, queries) {
  queries.forEach(([expression, legend], index) =>
    panel.withTarget(query(expression, index).legendFormat(legend)),
  );
  return panel;
}

/** Colours from a value upwards: [[null, 'green'], [0.8, 'red']]. */
export function steps(pairs) {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps(pairs.map(([value, color]) => ({ value, color })));
}

/** Words for values: {0: ['ok', 'green']}. */
export function words(texts) {
  const options = Object.fromEntries(
    Object.entries(texts).map(([value, [words, color]], index) => [
      value,
      { text: words, color, index },
    ]),
  );
  return { type: MappingType.ValueToText, options };
}

export function lines(settings) {
  const panel = common(new timeseries.PanelBuilder(), settings)
    .min(0)
    .lineWidth(1)
    .fillOpacity(5)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(
      new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending),
    );
  return withSeries(panel, settings.queries);
}

/** Lines on top of each other, for parts of a whole. */
export function stack(settings) {
  return lines(settings)
    .fillOpacity(60)
    .lineWidth(0)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
}

/** Stacked bars, for counts of events. */
export function bars(settings) {
  return stack(settings).drawStyle(GraphDrawStyle.Bars).fillOpacity(80);
}

/** Dashes for the series whose name matches: limits that others are compared with. */
export function dashed(panel, pattern) {
  return panel.overrideByRegexp(pattern, [
    { id: 'custom.lineStyle', value: { fill: 'dash', dash: [8, 8] } },
    { id: 'custom.fillOpacity', value: 0 },
  ]);
}

/** One strip per series, coloured by thresholds or by `words`. */
export function strips(settings, thresholds) {
  const panel = common(new statetimeline.PanelBuilder(), settings)
    .thresholds(thresholds)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .showValue(VisibilityMode.Never)
    .mergeValues(true)
    .fillOpacity(80)
    .rowHeight(0.8);
  return withSeries(panel, settings.queries);
}

/** A Prometheus histogram over time: the one query gives increases by le. */
export function buckets(settings) {
  const panel = common(new heatmap.PanelBuilder(), settings)
    .calculate(false)
    .yAxis(new heatmap.YAxisConfigBuilder().unit(settings.unit))
    .color(
      new heatmap.HeatmapColorOptionsBuilder()
        .mode(heatmap.HeatmapColorMode.Scheme)
        .scheme('Oranges')
        .scale(heatmap.HeatmapColorScale.Exponential)
        .exponent(0.3)
        .steps(64),
    )
    .cellGap(1)
    .showLegend();
  const [expression, legend] = settings.queries[0];
  return panel.withTarget(
    query(expression, 0).legendFormat(legend).format(PromQueryFormat.Heatmap),
  );
}

/**
 * A table of instant queries. Rows that agree in their labels become one; `columns` are
 * [field, heading, settings], in order, and what is not among them is hidden. The value of
 * the only query is called "Value", of several "Value #A", "Value #B" and so on.
 */
export function rows(settings, columns, hidden) {
  const panel = common(new table.PanelBuilder(), settings).showHeader(true);
  settings.queries.forEach(([expression], index) =>
    panel.withTarget(query(expression, index).format(PromQueryFormat.Table).instant()),
  );
  if (settings.queries.length > 1) panel.withTransformation({ id: 'merge', options: {} });
  panel.withTransformation({
    id: 'organize',
    options: {
      excludeByName: Object.fromEntries(hidden.map((field) => [field, true])),
      indexByName: Object.fromEntries(columns.map(([field], index) => [field, index])),
      renameByName: Object.fromEntries(columns.map(([field, heading]) => [field, heading])),
    },
  });
  for (const [, heading, properties] of columns) {
    if (properties) panel.overrideByName(heading, properties);
  }
  return panel;
}

/** Column settings: a unit, and colours from a value upwards where they say something. */
export function column(unit, colors) {
  const properties = [{ id: 'unit', value: unit }];
  if (!colors) return properties;
  return properties.concat([
    { id: 'thresholds', value: steps(colors).build() },
    { id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic' } },
  ]);
}

export function markdown(settings) {
  return common(new text.PanelBuilder(), settings).mode(text.TextMode.Markdown).content(settings.content);
}

/** Rows with the largest value of a column first. */
export function largestFirst(panel, heading) {
  return panel.sortBy([new TableSortByFieldStateBuilder().displayName(heading).desc(true)]);
}
