#pragma once

#include <map>
#include <mutex>

#include "base/clock.h"

namespace loopscope {

/// Which threads this program itself stops, and has just stopped, to look at their stacks: so
/// that nobody takes that for a stop of the program's own. One for the whole process, for a
/// thread's state is, too. Thread-safe.
class OwnStops {
 public:
  static OwnStops& instance();

  /// From before the stop until the thread runs again for sure.
  class Stop {
   public:
    explicit Stop(int tid);
    ~Stop();
    Stop(const Stop&) = delete;
    Stop& operator=(const Stop&) = delete;
    /// For how long it stood still.
    void lasted(Nanos time) const;

   private:
    int tid_;
  };

  /// Whether `tid` may have been stopped by us at some time from `since` (monotonic) until now.
  bool any_since(int tid, Nanos since) const;
  /// For how long it was stopped by us, in all; less than before when that was forgotten.
  Nanos total(int tid) const;

 private:
  struct Thread {
    int stops = 0;  ///< in progress
    Nanos last_ended{0};
    Nanos total{0};
  };
  static constexpr std::size_t kMaxThreads = 256;

  mutable std::mutex mutex_;
  std::map<int, Thread> threads_;
};

}  // namespace loopscope
