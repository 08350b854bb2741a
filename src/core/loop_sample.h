#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "loopscope/phase.h"

namespace loopscope {

/// Cumulative scheduler accounting of one thread (/proc/PID/task/TID/schedstat).
/// Exact while the thread sleeps; while it runs, `run` lags by up to one scheduler
/// tick (1-10 ms), because the kernel brings it up to date only there.
struct SchedCounters {
  Nanos run{0};            ///< time on a CPU
  Nanos runqueue_wait{0};  ///< time runnable without a CPU
};

/// One garbage collection: for how long the loop's thread stood still for it.
struct Collection {
  Nanos start{0};
  Nanos end{0};
};

/// What the program itself keeps of its collections.
struct Collections {
  std::array<Collection, 2> ended;  ///< the newest two, in any order; all zero: none
  Nanos running_since{0};           ///< of the one in progress; 0: none is
  std::uint32_t count = 0;          ///< of all that have begun; wraps
};

/// One look at a loop from outside, by a sampling source.
struct LoopSample {
  Nanos at{0};  ///< monotonic time of the look
  /// kPollWait: the loop waits. Anything else: it is busy there.
  Phase phase = Phase::kUnknown;
  /// Changes if and only if the loop has polled since the sample before. A source
  /// that cannot tell keeps it constant while it has no evidence of progress.
  std::uint64_t iteration = 0;
  /// Differences of `iteration` are exact numbers of turns (libuv >= 1.45 loop_count);
  /// else they only tell "turned" from "not turned".
  bool iteration_is_count = false;
  std::optional<SchedCounters> sched;
  /// A busy loop may or may not have polled since the sample before: nobody can tell.
  bool unsure = false;
  /// Perhaps the thread is not blocked but has handed its polling to another one: nothing is
  /// claimed about the time since the sample before until a later sample settles it.
  bool withheld = false;
  bool stopped = false;     ///< the thread is stopped (state T/t) or its cgroup frozen
  bool collecting = false;  ///< the garbage collector runs
  std::optional<Collections> collections =
      std::nullopt;         ///< more exact than `collecting`, where they are known
  Nanos timer_lateness{0};  ///< how overdue the earliest due timer is; 0: none
};

/// One finished turn of a loop, by an exact source (embedded library, eBPF).
/// busy = [begin, end) split over phases; waiting = [end, next begin).
struct LoopIteration {
  Nanos begin{0};                           ///< return from the poll wait
  Nanos end{0};                             ///< entry of the next poll wait
  std::array<Nanos, kPhaseCount> phases{};  ///< sums to end - begin; kPollWait is 0
  std::array<Nanos, kCauseCount> causes{};  ///< all zero: not known
};

}  // namespace loopscope
