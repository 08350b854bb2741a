#pragma once

#include <cstdint>

#include "base/unique_fd.h"

namespace loopscope {

/// What a thread got from the scheduler over a span.
struct ThreadTimes {
  std::uint64_t cpu_ns = 0;
  std::uint64_t runqueue_ns = 0;  ///< runnable without a CPU
  bool known = false;
};

/// Scheduler accounting of the calling thread, read seldom: a baseline at most every few
/// milliseconds, a second look only at the end of a turn that was long.
class ThreadTimesMeter {
 public:
  /// How old a baseline may get before it is renewed.
  static constexpr std::uint64_t kBaselineAgeNs = 10'000'000;

  /// Ends a turn: renews the baseline when it is old.
  void tick(std::uint64_t now_ns, std::uint64_t busy_ns) {
    busy_since_baseline_ns_ += busy_ns;
    if (now_ns - baseline_at_ns_ >= kBaselineAgeNs) renew(now_ns);
  }

  /// What the thread got since its last turn ended.
  ThreadTimes since_last_turn();

 private:
  void renew(std::uint64_t now_ns);
  std::uint64_t runqueue_ns();

  UniqueFd schedstat_;
  int tid_ = 0;
  std::uint64_t baseline_at_ns_ = 0;
  std::uint64_t baseline_cpu_ns_ = 0;
  std::uint64_t baseline_runqueue_ns_ = 0;
  std::uint64_t busy_since_baseline_ns_ = 0;
};

}  // namespace loopscope
