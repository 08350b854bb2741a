#include "core/stall_tracker.h"

#include <utility>

namespace loopscope {
namespace {

StallEvent event_of(const BusyPeriod& period) {
  return {period.start, period.duration, period.main_phase(), period.main_cause(), period.causes};
}

}  // namespace

void StallTracker::on_busy(const BusyPeriod& period) {
  if (!in_progress_ && period.duration < threshold_) return;
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
  if (!started_before && period.duration < threshold_) return;
  const StallEvent event = event_of(period);
  stats_.settle_stall(period, event.phase, event.cause);
  if (listener_ == nullptr) return;
  if (!started_before) listener_->on_stall_started(event);
  listener_->on_stall_ended(event);
}

}  // namespace loopscope
