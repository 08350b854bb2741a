#include "core/stall_warning.h"

#include <algorithm>

namespace loopscope {

void StallWarning::set_threshold(Nanos threshold) {
  threshold_ = threshold;
  from_ = threshold / 2;
}

bool StallWarning::is_due(Nanos so_far, Nanos now) {
  if (given_) return false;
  if (now - last_in_vain_ > kForget) from_ = threshold_ / 2;
  if (so_far < from_ || paid_at_ > now + (kBurst - 1) * kInterval) return false;
  given_ = true;
  return true;
}

void StallWarning::came_true() { given_ = false; }

void StallWarning::was_in_vain(Nanos duration, Nanos now) {
  given_ = false;
  last_in_vain_ = now;
  paid_at_ = std::max(paid_at_, now) + kInterval;
  from_ = std::clamp(duration + duration / 4, threshold_ / 2, threshold_ / 5 * 4);
}

}  // namespace loopscope
