#pragma once

#include <chrono>

#include "base/clock.h"

namespace loopscope {

/// A Clock that stands still until told otherwise. Monotonic and wall time advance together.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Nanos now = std::chrono::seconds(1000),
                     std::chrono::system_clock::time_point wall =
                         std::chrono::system_clock::time_point(std::chrono::hours(24 * 365 * 50)))
      : now_(now), wall_(wall) {}

  Nanos now() const override { return now_; }
  std::chrono::system_clock::time_point wall_now() const override { return wall_; }

  void advance(Nanos by) {
    now_ += by;
    wall_ += std::chrono::duration_cast<std::chrono::system_clock::duration>(by);
  }

 private:
  Nanos now_;
  std::chrono::system_clock::time_point wall_;
};

}  // namespace loopscope
