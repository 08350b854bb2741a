#pragma once

#include "base/clock.h"

namespace loopscope {

/// When to look at the stack of a stalled loop: as soon as it is known to be stalled, then
/// each time the stall has become twice as long, so that long stalls cost no more than a
/// few looks and short ones get theirs at once. Not thread-safe.
class CaptureSchedule {
 public:
  /// 50 ms doubled this often is longer than 27 minutes.
  static constexpr int kMaxCaptures = 16;

  /// `start`: of the stall.
  explicit CaptureSchedule(Nanos start) : start_(start), due_(start) {}

  /// Nanos::max(): no more.
  Nanos due() const { return captures_ < kMaxCaptures ? due_ : Nanos::max(); }
  void captured(Nanos at) {
    ++captures_;
    due_ = at + (at - start_);
  }
  int captures() const { return captures_; }

 private:
  Nanos start_;
  Nanos due_;
  int captures_ = 0;
};

}  // namespace loopscope
