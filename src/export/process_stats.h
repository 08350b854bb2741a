#pragma once

#include <optional>

namespace loopscope {

/// What the process_* metrics say of this very process; absent: could not be read.
struct ProcessStats {
  std::optional<double> cpu_seconds;
  std::optional<double> resident_bytes;
  std::optional<double> virtual_bytes;
  std::optional<double> open_fds;
  std::optional<double> max_fds;
  std::optional<double> start_time_seconds;  ///< since the Unix epoch
};

/// Reads /proc/self. Never fails as a whole.
ProcessStats read_process_stats();

}  // namespace loopscope
