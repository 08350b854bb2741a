#pragma once

#include <cstdint>

#include "base/clock.h"

namespace loopscope {

/// Token bucket: lets `burst` events through at once and one more per `interval` after
/// that. Time comes in with each call. Not thread-safe.
class RateLimiter {
 public:
  RateLimiter(Nanos interval, std::uint64_t burst);

  /// True if an event at `now` may pass; else it is counted as suppressed.
  bool allow(Nanos now);
  /// How many were suppressed since the last call of this ("and 17 more").
  std::uint64_t take_suppressed();

 private:
  const Nanos interval_;
  const std::uint64_t burst_;
  std::uint64_t tokens_;
  Nanos refilled_at_{0};
  bool started_ = false;
  std::uint64_t suppressed_ = 0;
};

}  // namespace loopscope
