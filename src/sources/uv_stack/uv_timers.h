#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "target/memory_reader.h"

namespace loopscope {

/// How late the timers of one uv_loop_t are. Not thread-safe.
///
/// Outside the timers phase the earliest timer of the heap tells. A timer that runs has been
/// taken from the heap (and, from libuv 1.49 on, with it all others that are due), or has been
/// put back with its next due time if it repeats; Node keeps all timers of JavaScript behind a
/// single one of libuv's. So the earliest timer is remembered before the phase, and while its
/// callback runs it is that one's due time that counts.
class UvTimers {
 public:
  /// A look outside the timers phase: remembers the earliest timer. Costs two small reads;
  /// does nothing if it was called shortly before.
  void remember(const MemoryReader& memory, std::uint64_t loop, Nanos now);
  /// How long ago the earliest timer was due, at `now`; 0: none is due.
  Nanos lateness(const MemoryReader& memory, std::uint64_t loop, Nanos now) const;
  /// The same while callbacks of timers run, which looks have met since `since`. At least that
  /// long: what runs was due before it began.
  Nanos lateness_in_timers(const MemoryReader& memory, std::uint64_t loop, Nanos now,
                           Nanos since) const;

 private:
  struct Timer {
    std::uint64_t handle = 0;
    std::uint64_t due_ms = 0;
  };
  static std::optional<Timer> earliest(const MemoryReader& memory, std::uint64_t loop);
  std::optional<std::uint64_t> due_of_running(const MemoryReader& memory) const;

  Timer known_;
  Nanos known_at_{0};  ///< 0: never looked
};

}  // namespace loopscope
