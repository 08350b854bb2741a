#pragma once

#include <chrono>

namespace loopscope {

using Nanos = std::chrono::nanoseconds;

/// Where time comes from. Production code uses SystemClock, tests a FakeClock
/// (tests/support/fake_clock.h).
class Clock {
 public:
  virtual ~Clock() = default;

  /// CLOCK_MONOTONIC: the scale of libuv's uv_hrtime() and of every `at` in this project.
  virtual Nanos now() const = 0;
  /// CLOCK_REALTIME, for timestamps shown to people.
  virtual std::chrono::system_clock::time_point wall_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Nanos now() const override;
  std::chrono::system_clock::time_point wall_now() const override;
};

}  // namespace loopscope
