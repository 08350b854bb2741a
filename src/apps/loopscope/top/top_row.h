#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "loopscope/phase.h"

namespace loopscope {

/// The fullest listener of a process.
struct TopBacklog {
  std::uint64_t depth = 0;
  std::uint64_t limit = 0;
};

/// What `loopscope top` says of one loop. Texts are as the target gave them: not yet fit
/// for a terminal.
struct TopRow {
  std::string process;
  int pid = 0;
  int slot = 0;
  std::string loop;

  // Over the time since the row before.
  std::array<double, kPhaseCount> phase_shares{};  ///< of observed time; all 0: none observed
  std::optional<double> utilization;               ///< 0 to 1; absent: nothing observed

  // Over the last minute.
  std::optional<Nanos> lag_p99;  ///< absent: no lag observed
  std::optional<Nanos> lag_max;  ///< absent: not known of all of that time
  std::uint64_t stalls = 0;

  std::optional<Nanos> blocked;  ///< right now; absent: not known
  Nanos stall_threshold = std::chrono::milliseconds(50);
  std::optional<TopBacklog> backlog;  ///< absent: listens nowhere, or not measured

  // The last stall; all empty: none yet.
  std::string function;
  std::string file;
  int line = 0;
  int generated_line = 0;  ///< see StallRecord
  std::string why;         ///< what it waited for, or its phase and cause
};

/// Busy for the loop's stall threshold or longer.
inline bool counts_as_blocked(const TopRow& row) {
  return row.blocked && *row.blocked >= row.stall_threshold;
}

}  // namespace loopscope
