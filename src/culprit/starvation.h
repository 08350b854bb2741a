#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "target/cgroup_cpu.h"

namespace loopscope {

/// Why a thread was runnable without a CPU: a used-up CPU quota or a crowd of others.
///
/// The kernel knows throttled time per group only. A thread is said to have been held by the
/// quota as far as its group was throttled while it waited, but no longer than it waited.
/// Where several CPUs were throttled at a time that can be too much, never by more than
/// its wait. Not thread-safe: one stall of one process at a time.
class StarvationReader {
 public:
  explicit StarvationReader(int pid) : pid_(pid) {}

  /// At the first capture of a stall. `starved`: the stall's runnable-without-CPU time so far.
  void begin(Nanos starved);
  /// In words: "CPU quota (throttled 180 ms, limit 0.2 CPUs)", "CPUs are crowded", or both.
  /// `starved`: as in begin(), now. Empty without a begin() or if nothing was waited for since.
  std::string explain(Nanos starved);

 private:
  Result<ThrottleCounters> read();

  const int pid_;
  std::optional<CgroupCpu> group_;
  std::string membership_;  ///< /proc/PID/cgroup when group_ was looked for
  std::string problem_;     ///< why there is no group_
  std::optional<Result<ThrottleCounters>> before_;
  Nanos starved_before_{0};
};

/// `throttled` of the `starved` time was for want of quota; see StarvationReader.
std::string starvation_text(Nanos starved, Nanos throttled, double limit_cpus);

}  // namespace loopscope
