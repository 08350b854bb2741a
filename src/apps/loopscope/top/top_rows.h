#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "apps/loopscope/top/top_row.h"
#include "core/snapshot.h"

namespace loopscope {

/// Makes the rows of `loopscope top` out of one snapshot after another: remembers what
/// counters were, a minute back, and says how they changed.
class TopRows {
 public:
  static constexpr Nanos kWindow = std::chrono::minutes(1);

  /// `stalls`: newest first. `now` grows from call to call. A loop seen for the first time
  /// is shown with what its counters have come to.
  std::vector<TopRow> update(const Snapshot& snapshot, const std::vector<StallRecord>& stalls,
                             Nanos now);

 private:
  using LoopKey = std::pair<int, std::string>;
  /// Counters of one instant.
  struct Mark {
    Nanos at{0};
    std::vector<std::uint64_t> lag_counts;
    std::uint64_t stalls = 0;
  };
  struct History {
    std::array<Nanos, kPhaseCount> phase_time{};
    Nanos active{0};
    Nanos idle{0};
    std::deque<Mark> marks;  ///< oldest first
  };

  static void fill_interval(TopRow& row, const LoopStatsSnapshot& stats, History& history);
  static void fill_window(TopRow& row, const LoopStatsSnapshot& stats, History& history, Nanos now);

  std::map<LoopKey, History> histories_;
};

}  // namespace loopscope
