#pragma once

#include <prometheus/metric_type.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace loopscope {

/// Every metric this project exports, in the order of exposition.
enum class MetricId : std::uint8_t {
  kInfo,
  kProcessInfo,
  kLag,
  kLagMax,
  kBlocked,
  kTime,
  kPhaseTime,
  kIterations,
  kIterationDuration,
  kStalls,
  kStallTime,
  kStallDuration,
  kStallCulpritTime,
  kTimerLateness,
  kBacklog,
  kBacklogLimit,
  kBacklogMax,
  kBacklogOwners,
  kBacklogDrain,
  kBacklogSynReceived,
  kUnread,
  kListenOverflows,
  kListenDrops,
  kBuildInfo,
  kSourceSuccess,
  kSourcePermitted,
  kSourceDuration,
  kTargets,
  kSamplerLate,
  kStackCaptures,
  kStackStops,
  kProcessCpu,
  kProcessResidentMemory,
  kProcessVirtualMemory,
  kProcessOpenFds,
  kProcessMaxFds,
  kProcessStartTime,
  kPromClientLag,
  kPromClientLagMin,
  kPromClientLagMax,
  kPromClientLagMean,
  kPromClientLagStddev,
  kPromClientLagP50,
  kPromClientLagP90,
  kPromClientLagP99,
  kOtelDelayMin,
  kOtelDelayMax,
  kOtelDelayMean,
  kOtelDelayStddev,
  kOtelDelayP50,
  kOtelDelayP90,
  kOtelDelayP99,
  kOtelUtilization,
  kOtelTime,
};
inline constexpr std::size_t kMetricCount = 54;

/// Whose figure it is. All but Loopscope's own carry the labels process and slot, and all of
/// loops the label loop besides. The last two are loop metrics again, under the names of other
/// monitors (CompatibleNames).
enum class MetricScope : std::uint8_t { kLoop, kProcess, kSelf, kPromClient, kOpenTelemetry };

struct MetricSpec {
  MetricId id;
  std::string_view name;
  prometheus::MetricType type;
  MetricScope scope;
  std::string_view unit;                     ///< as OpenMetrics names it; empty: a plain number
  std::array<std::string_view, 4> labels{};  ///< besides those of the scope; empty: none
  std::string_view help;
};

/// The labels of every metric of a loop, in this order, before the metric's own. Those of a
/// process lack the last.
inline constexpr std::array<std::string_view, 3> kLoopLabelNames = {"process", "slot", "loop"};
/// Between slot and loop, for whoever asks for it (SeriesOptions::pid_label).
inline constexpr std::string_view kPidLabelName = "pid";

/// The only place where metric names exist.
std::span<const MetricSpec, kMetricCount> metric_catalogue();
const MetricSpec& metric(MetricId id);

}  // namespace loopscope
