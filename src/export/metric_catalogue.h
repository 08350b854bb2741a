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
  kBacklogSynReceived,
  kUnread,
  kListenOverflows,
  kListenDrops,
  kBuildInfo,
  kSourceSuccess,
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
};
inline constexpr std::size_t kMetricCount = 33;

/// Whose figure it is. Loop metrics carry the labels process, pid and loop.
enum class MetricScope : std::uint8_t { kLoop, kSelf };

struct MetricSpec {
  MetricId id;
  std::string_view name;
  prometheus::MetricType type;
  MetricScope scope;
  std::string_view unit;                     ///< as OpenMetrics names it; empty: a plain number
  std::array<std::string_view, 3> labels{};  ///< besides those of the scope; empty: none
  std::string_view help;
};

/// The labels of every loop metric, in this order, before the metric's own.
inline constexpr std::array<std::string_view, 3> kLoopLabelNames = {"process", "pid", "loop"};

/// The only place where metric names exist.
std::span<const MetricSpec, kMetricCount> metric_catalogue();
const MetricSpec& metric(MetricId id);

}  // namespace loopscope
