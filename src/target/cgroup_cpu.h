#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace loopscope {

/// How a CPU quota holds back the processes of a group.
struct ThrottleCounters {
  /// Since the group was made. Summed over CPUs, so it may grow faster than time does. The
  /// kernel counts a wait when it ends.
  Nanos throttled{0};
  double limit_cpus = 0;  ///< smallest quota / period of the visible groups; 0: none is set
};

/// CPU accounting of the cgroup of a process and of the groups above it, for a quota may be
/// set on any of them: cpu.stat and cpu.max of version 2, cpu.stat and cpu.cfs_quota_us of
/// version 1. Where the kernel has cpu.stat.local (Linux 6.6), that tells the effect of all
/// of them on the process's own group, also of groups that are not visible from here. Files
/// stay open, so this stays with the group; read() fails once that is removed. Not
/// thread-safe.
class CgroupCpu {
 public:
  /// Error: no group with CPU accounting is visible, and what would show it.
  static Result<CgroupCpu> open(int pid);

  /// Some preads, 2 µs each.
  Result<ThrottleCounters> read() const;

 private:
  struct Level {
    UniqueFd stat;
    UniqueFd limit;   ///< cpu.max or cpu.cfs_quota_us; invalid at the root
    UniqueFd period;  ///< cpu.cfs_period_us; version 1 only
  };

  CgroupCpu() = default;
  static std::optional<Level> open_level(const std::string& directory, bool is_version2);

  std::vector<Level> levels_;  ///< the process's own group first
  UniqueFd local_;             ///< cpu.stat.local of that
};

/// Throttled time in cpu.stat or cpu.stat.local of either version; absent where the group
/// has no CPU controller.
std::optional<Nanos> parse_throttled(std::string_view text);
/// "10000 50000" or "max 100000" in CPUs; 0: no quota, or not understood.
double parse_cpu_max(std::string_view text);
/// Version 1: cpu.cfs_quota_us ("-1": none) and cpu.cfs_period_us.
double parse_cfs_quota(std::string_view quota, std::string_view period);

}  // namespace loopscope
