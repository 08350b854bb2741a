#include "core/exact_tracker.h"

#include <algorithm>
#include <numeric>

#include "core/clock_limits.h"

namespace loopscope {
namespace {

/// Cuts the parts down so that they sum to no more than `total`; returns what is left.
template <typename Times>
Nanos fit(Times& parts, Nanos total) {
  Nanos left = std::max(total, Nanos(0));
  for (Nanos& part : parts) {
    part = std::clamp(part, Nanos(0), left);
    left -= part;
  }
  return left;
}

}  // namespace

/// False: the time cannot be used.
bool ExactTracker::starts_at(Nanos begin) {
  if (begin < Nanos(0) || begin > kLargestTime) return false;
  const bool other_clock = begin > last_end_ + kLongestStep || begin < last_end_ - kClockChange;
  if (!started_ || other_clock) {
    end_unseen();
    started_ = true;
    last_end_ = waited_until_ = begin;
  }
  return true;
}

/// Ends the iteration in progress where it was last shown: its real end will not be told.
void ExactTracker::end_unseen() {
  if (!in_progress_) return;
  const BusyPeriod period = period_so_far();
  if (period.duration > Nanos(0)) waited_until(period.start);
  stats_.clear_open_time();
  for (std::size_t i = 0; i < kPhaseCount; ++i) {
    stats_.add_busy(static_cast<Phase>(i), period.phases[i]);
  }
  stats_.observe_busy_periods(period.end(), period.duration, 1);
  stalls_.on_busy_end(period);
  last_end_ = waited_until_ = std::max(period.end(), waited_until_);
  in_progress_.reset();
}

void ExactTracker::waited_until(Nanos time) {
  const Nanos more = time - waited_until_;
  if (more >= Nanos(0)) {
    stats_.add_waiting(more);
    stats_.observe_no_lag(time, more);
  } else {
    stats_.take_back_waiting(-more);
  }
  waited_until_ = time;
}

void ExactTracker::on_iteration(const LoopIteration& iteration) {
  if (!starts_at(iteration.begin)) return;
  const Nanos begin = std::max(iteration.begin, last_end_);
  if (iteration.end < begin || iteration.end > begin + kLongestStep) return;

  BusyPeriod period{.start = begin,
                    .duration = iteration.end - begin,
                    .phases = iteration.phases,
                    .causes = iteration.causes};
  period.phases[index_of(Phase::kPollWait)] = Nanos(0);
  period.phases[index_of(Phase::kUnknown)] += fit(period.phases, period.duration);
  period.causes[index_of(Cause::kUnknown)] += fit(period.causes, period.duration);

  stats_.clear_open_time();
  in_progress_.reset();
  waited_until(begin);
  for (std::size_t i = 0; i < kPhaseCount; ++i) {
    stats_.add_busy(static_cast<Phase>(i), period.phases[i]);
  }
  stats_.add_iterations(1);
  stats_.observe_iterations(period.duration, 1);
  stats_.observe_busy_periods(period.end(), period.duration, 1);
  stalls_.on_busy_end(period);
  last_end_ = waited_until_ = period.end();
}

void ExactTracker::on_short_iterations(const ShortIterations& turns) {
  if (turns.count == 0) return;
  const Nanos end = started_ ? std::max(turns.until, last_end_) : turns.until;
  if (!starts_at(end)) return;
  PhaseTimes phases = turns.phases;
  phases[index_of(Phase::kPollWait)] = Nanos(0);
  const Nanos possible = end - last_end_;
  const Nanos busy = possible - fit(phases, possible);

  stats_.clear_open_time();
  in_progress_.reset();
  stalls_.on_short_end(Nanos(0), end);
  for (std::size_t i = 0; i < kPhaseCount; ++i) {
    stats_.add_busy(static_cast<Phase>(i), phases[i]);
  }
  // Waiting may have been shown past the begin of these turns.
  waited_until(std::max(end - busy, last_end_));
  stats_.add_iterations(turns.count);
  stats_.observe_iterations(busy, turns.count);
  stats_.observe_short_periods(end, busy, turns.squared_s2);
  last_end_ = waited_until_ = end;
}

void ExactTracker::on_busy(Nanos since, Phase phase) {
  if (index_of(phase) >= kPhaseCount || phase == Phase::kPollWait) phase = Phase::kUnknown;
  if (!starts_at(since)) return;
  if (!in_progress_) {
    in_progress_ = InProgress{};
    in_progress_->since = in_progress_->credited_until = std::max(since, last_end_);
  }
  in_progress_->phase = phase;
}

void ExactTracker::on_gap(Nanos at) {
  if (!started_ || at <= last_end_ || at > last_end_ + kLongestStep) return;
  end_unseen();
  if (at > waited_until_) stats_.add_unwatched(at - waited_until_);
  last_end_ = waited_until_ = std::max(at, waited_until_);
}

void ExactTracker::credit(Nanos now) {
  const Nanos until = std::min(now, in_progress_->since + kLongestStep);
  if (until <= in_progress_->credited_until) return;
  in_progress_->phases[index_of(in_progress_->phase)] += until - in_progress_->credited_until;
  in_progress_->credited_until = until;
}

BusyPeriod ExactTracker::period_so_far() const {
  BusyPeriod period{.start = in_progress_->since,
                    .duration = in_progress_->credited_until - in_progress_->since,
                    .phases = in_progress_->phases,
                    .causes = {}};
  period.causes[index_of(Cause::kUnknown)] = period.duration;
  return period;
}

void ExactTracker::show_open_time(Nanos now) {
  if (!started_ || now > last_end_ + kLongestStep) return;
  if (!in_progress_) {
    if (now > waited_until_) waited_until(now);
    return;
  }
  waited_until(in_progress_->since);
  credit(now);
  stats_.set_open_time(in_progress_->phases, Nanos(0));
  stalls_.on_busy(period_so_far());
}

Nanos ExactTracker::busy_for(Nanos now) const {
  return in_progress_ && now > in_progress_->since ? now - in_progress_->since : Nanos(0);
}

}  // namespace loopscope
