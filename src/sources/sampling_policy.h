#pragma once

#include "core/loop_sample.h"

namespace loopscope {

/// When to look at a loop again. A look costs the target nothing measurable, the wake-up
/// does where no CPU is spare, so the rate follows the need: `fastest` only inside a busy
/// period that has lasted some milliseconds, kTurning while iterations turn over, slow
/// while nothing happens (the scheduler's accounting then tells when a busy period began).
class SamplingPolicy {
 public:
  static constexpr Nanos kTurning = std::chrono::milliseconds(4);
  static constexpr Nanos kIdle = std::chrono::milliseconds(20);

  /// `fastest`: --sample-interval. `threshold`: the stall threshold; an idle loop is
  /// looked at five times as often at least, so that no stall can hide between two looks.
  SamplingPolicy(Nanos fastest, Nanos threshold);

  /// Takes a look in order of time; returns the time until the next.
  Nanos next_interval(const LoopSample& sample);

 private:
  Nanos fastest_;
  Nanos turning_;
  Nanos idle_;
  LoopSample last_;
  Nanos busy_since_{0};  ///< first look of the busy period that goes on
  int quiet_looks_ = 0;  ///< looks in a row at a loop that waited and did not turn
};

}  // namespace loopscope
