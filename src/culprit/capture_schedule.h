#pragma once

#include <algorithm>

#include "base/clock.h"

namespace loopscope {

/// When to look at the stack of a stalled loop: as soon as it is known to be stalled, then
/// each time the stall has become twice as long, so that long stalls cost no more than a
/// few looks and short ones get theirs at once. A look that names nobody is made up for
/// soon, a few times. Not thread-safe.
class CaptureSchedule {
 public:
  /// 25 ms doubled this often is longer than 13 minutes.
  static constexpr int kMaxCaptures = 16;
  static constexpr int kMaxRepeats = 4;
  static constexpr Nanos kRepeatAfter = std::chrono::milliseconds(2);

  /// `start`: of the stall.
  explicit CaptureSchedule(Nanos start) : start_(start), due_(start) {}

  /// Nanos::max(): no more.
  Nanos due() const { return captures_ < kMaxCaptures ? due_ : Nanos::max(); }
  void captured(Nanos at) {
    ++captures_;
    due_ = at + std::max(at - start_, kRepeatAfter);
  }
  void captured_nobody(Nanos at) {
    if (repeats_ == kMaxRepeats) return captured(at);
    ++repeats_;
    due_ = at + std::max((at - start_) / 16, kRepeatAfter);
  }
  int captures() const { return captures_; }

 private:
  Nanos start_;
  Nanos due_;
  int captures_ = 0;
  int repeats_ = 0;
};

}  // namespace loopscope
