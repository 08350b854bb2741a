#include "base/rate_limiter.h"

#include <algorithm>
#include <utility>

namespace loopscope {

RateLimiter::RateLimiter(Nanos interval, std::uint64_t burst)
    : interval_(std::max(interval, Nanos(1))),
      burst_(std::max<std::uint64_t>(burst, 1)),
      tokens_(burst_) {}

bool RateLimiter::allow(Nanos now) {
  if (!started_) {
    started_ = true;
    refilled_at_ = now;
  }
  if (now > refilled_at_) {
    const auto earned = static_cast<std::uint64_t>((now - refilled_at_) / interval_);
    if (earned >= burst_ - tokens_) {
      tokens_ = burst_;
      refilled_at_ = now;
    } else {
      tokens_ += earned;
      refilled_at_ += interval_ * static_cast<std::int64_t>(earned);
    }
  }
  if (tokens_ == 0) {
    ++suppressed_;
    return false;
  }
  --tokens_;
  return true;
}

std::uint64_t RateLimiter::take_suppressed() { return std::exchange(suppressed_, 0); }

}  // namespace loopscope
