#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "target/cgroup_freezer.h"
#include "target/thread_counters.h"

namespace loopscope {

/// Whether a thread is kept from running from outside: stopped by a signal or a tracer, or
/// frozen with its cgroup. What OwnStops tells of is not from outside. Not thread-safe.
class StopDetector {
 public:
  /// A read of the thread's stat and, while it sleeps, of its cgroup's state: some µs. Once
  /// a second it is seen whether the process is in another cgroup now. Where its cgroup is
  /// not visible a frozen thread counts as asleep.
  bool is_stopped(ThreadCounters& counters, Nanos now);

 private:
  bool is_kept(char state, const ThreadCounters& counters, Nanos now);
  void follow_cgroup(int pid, Nanos now);

  bool stopped_ = false;  ///< as of the last look that was clear
  std::optional<CgroupFreezer> freezer_;
  std::optional<Nanos> followed_at_;
  std::string membership_;  ///< /proc/PID/cgroup when freezer_ was opened
};

}  // namespace loopscope
