#pragma once

#include <algorithm>

#include "base/clock.h"

namespace loopscope {

/// How long to wait before what has ended is started again: 1 s, doubled from time to time up to
/// 60 s; 1 s again after one that ran for 60 s.
class RestartDelay {
 public:
  static constexpr Nanos kFirst = std::chrono::seconds(1);
  static constexpr Nanos kLongest = std::chrono::seconds(60);
  static constexpr Nanos kRanWell = std::chrono::seconds(60);

  /// `ran`: how long it ran that has ended now.
  Nanos after(Nanos ran) {
    if (ran >= kRanWell) next_ = kFirst;
    const Nanos delay = next_;
    next_ = std::min(2 * next_, kLongest);
    return delay;
  }

 private:
  Nanos next_ = kFirst;
};

}  // namespace loopscope
