#include "core/stall_tracker.h"

#include <utility>

namespace loopscope {
namespace {

StallEvent event_of(const BusyPeriod& period) {
  return {period.start, period.duration, period.main_phase(), period.main_cause(), period.causes};
}

}  // namespace

void StallTracker::on_busy(const BusyPeriod& period) {
  if (!in_progress_ && period.duration < threshold_) {
    if (warning_.is_due(period.duration, period.end()) && listener_ != nullptr) {
      listener_->on_stall_looms();
    }
    return;
  }
  warning_.came_true();
  const StallEvent event = event_of(period);
  stats_.set_open_stall(period, event.phase, event.cause);
  const bool started = !std::exchange(in_progress_, true);
  if (listener_ == nullptr) return;
  if (started) {
    listener_->on_stall_started(event);
  } else {
    listener_->on_stall_progress(event);
  }
}

void StallTracker::on_busy_end(const BusyPeriod& period) {
  const bool started_before = std::exchange(in_progress_, false);
  if (!started_before && period.duration < threshold_) {
    return on_short_end(period.duration, period.end());
  }
  warning_.came_true();
  const StallEvent event = event_of(period);
  stats_.settle_stall(period, event.phase, event.cause);
  if (listener_ == nullptr) return;
  if (!started_before) listener_->on_stall_started(event);
  listener_->on_stall_ended(event);
}

void StallTracker::on_short_end(Nanos duration, Nanos now) {
  if (!warning_.given()) return;
  warning_.was_in_vain(duration, now);
  if (listener_ != nullptr) listener_->on_stall_averted();
}

void StallTracker::set_threshold(Nanos threshold) {
  if (threshold == threshold_) return;
  threshold_ = threshold;
  warning_.set_threshold(threshold);
}

}  // namespace loopscope
