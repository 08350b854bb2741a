#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace loopscope {

/// Label names that series of loops and processes have of their own, and those that Prometheus
/// reserves: a label of somebody else's choice must not be called so. A test compares them with
/// the catalogue of metrics.
inline constexpr std::array<std::string_view, 20> kSeriesLabelNames = {
    "process",    "slot",
    "pid",        "loop",
    "phase",      "cause",
    "state",      "window",
    "listener",   "function",
    "file",       "line",
    "package",    "source",
    "runtime",    "le",
    "quantile",   "runtime_version",
    "executable", "nodejs_eventloop_state"};

inline bool is_series_label(std::string_view name) {
  return std::find(kSeriesLabelNames.begin(), kSeriesLabelNames.end(), name) !=
         kSeriesLabelNames.end();
}

}  // namespace loopscope
