#include "export/compatible_metrics.h"

#include "base/duration.h"

namespace loopscope {
namespace {

/// The statistics that both monitors have of the lag, in the order of the catalogue.
struct LagStatistics {
  MetricId min, max, mean, stddev, p50, p90, p99;
};

constexpr LagStatistics kPromClientIds = {
    MetricId::kPromClientLagMin,    MetricId::kPromClientLagMax, MetricId::kPromClientLagMean,
    MetricId::kPromClientLagStddev, MetricId::kPromClientLagP50, MetricId::kPromClientLagP90,
    MetricId::kPromClientLagP99};
constexpr LagStatistics kOpenTelemetryIds = {MetricId::kOtelDelayMin,  MetricId::kOtelDelayMax,
                                             MetricId::kOtelDelayMean, MetricId::kOtelDelayStddev,
                                             MetricId::kOtelDelayP50,  MetricId::kOtelDelayP90,
                                             MetricId::kOtelDelayP99};

void add_lag_statistics(FamilyBuilder& out, const FamilyBuilder::Labels& base,
                        const LoopStatsSnapshot& stats, const LagStatistics& ids) {
  if (!stats.lag_1m) return;
  const LagSummary& lag = *stats.lag_1m;
  // Whoever arrives just before the loop polls does not wait, however busy it is.
  out.gauge(ids.min, base, 0);
  if (stats.lag_max_1m) out.gauge(ids.max, base, in_seconds(*stats.lag_max_1m));
  out.gauge(ids.mean, base, in_seconds(lag.mean));
  out.gauge(ids.stddev, base, in_seconds(lag.stddev));
  out.gauge(ids.p50, base, in_seconds(lag.p50));
  out.gauge(ids.p90, base, in_seconds(lag.p90));
  out.gauge(ids.p99, base, in_seconds(lag.p99));
}

}  // namespace

void add_compatible_metrics(FamilyBuilder& out, const FamilyBuilder::Labels& base,
                            const LoopSnapshot& loop, CompatibleNames names) {
  if (loop.info.runtime != "node") return;
  const LoopStatsSnapshot& stats = loop.stats;
  if (names.prom_client) {
    if (stats.blocked) out.gauge(MetricId::kPromClientLag, base, in_seconds(*stats.blocked));
    add_lag_statistics(out, base, stats, kPromClientIds);
  }
  if (names.opentelemetry) {
    add_lag_statistics(out, base, stats, kOpenTelemetryIds);
    if (stats.lag_1m) out.gauge(MetricId::kOtelUtilization, base, stats.lag_1m->busy_share);
    const Nanos active_before = loop.before ? loop.before->active_time : Nanos(0);
    const Nanos idle_before = loop.before ? loop.before->idle_time : Nanos(0);
    out.counter(MetricId::kOtelTime, base, in_seconds(stats.active_time + active_before),
                {"active"});
    out.counter(MetricId::kOtelTime, base, in_seconds(stats.idle_time + idle_before), {"idle"});
  }
}

}  // namespace loopscope
