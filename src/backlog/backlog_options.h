#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"
#include "core/snapshot.h"

namespace loopscope {

struct BacklogTarget {
  LoopLabels labels;             ///< labels.pid is the process; labels.loop is ignored
  std::optional<int> port_hint;  ///< set when the target was selected by this port
};

/// How often each part is done. All but the first stretch by themselves so that none takes
/// more than 0.5 % of a CPU (see BudgetedJob).
struct BacklogOptions {
  Nanos interval = std::chrono::milliseconds(50);        ///< queue depths
  Nanos owner_interval = std::chrono::seconds(1);        ///< who holds which socket
  Nanos counters_interval = std::chrono::seconds(1);     ///< ListenOverflows, ListenDrops
  Nanos connections_interval = std::chrono::seconds(5);  ///< half-open, unread
};

}  // namespace loopscope
