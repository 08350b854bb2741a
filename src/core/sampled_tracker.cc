#include "core/sampled_tracker.h"

#include <algorithm>
#include <utility>

#include "core/clock_limits.h"

namespace loopscope {
namespace {

constexpr Nanos kStaleLook = std::chrono::seconds(1);
/// No loop turns faster than this; larger counts are nonsense.
constexpr Nanos kFastestTurn = Nanos(100);
/// Where turns are not counted, a step in which the loop turned is taken as at least as many
/// turns of this length: what is not known must not show as lag.
constexpr Nanos kLongestAssumedTurn = std::chrono::milliseconds(10);
/// A busy period seen for longer than this is one whose front is known well enough to
/// settle it as soon as the next begins.
constexpr Nanos kLongPeriod = Stretch::kTick;
/// How long short busy periods may follow each other before what is known is settled.
constexpr Nanos kLongestStretch = std::chrono::milliseconds(250);

bool waits(const LoopSample& sample) { return sample.phase == Phase::kPollWait; }

LoopSample sane(const LoopSample& raw) {
  LoopSample sample = raw;
  if (index_of(sample.phase) >= kPhaseCount) sample.phase = Phase::kUnknown;
  if (sample.stopped && waits(sample)) sample.phase = Phase::kUnknown;
  if (sample.sched) {
    sample.sched->run = std::clamp(sample.sched->run, Nanos(0), kLargestTime);
    sample.sched->runqueue_wait = std::clamp(sample.sched->runqueue_wait, Nanos(0), kLargestTime);
  }
  return sample;
}

std::uint64_t assumed_turns(Nanos step) {
  return std::max<std::uint64_t>(static_cast<std::uint64_t>(step / kLongestAssumedTurn), 1);
}

}  // namespace

std::optional<Nanos> SampledTracker::Step::used() const {
  if (!run || !runqueue_wait) return std::nullopt;
  return std::min(*run + *runqueue_wait, kLongestStep);
}

SampledTracker::Step SampledTracker::step_to(const LoopSample& sample) const {
  Step step;
  step.length = sample.at - last_->at;
  step.turned = sample.iteration != last_->iteration;
  step.turns = step.turned ? assumed_turns(step.length) : 0;
  step.counted = sample.iteration_is_count && last_->iteration_is_count;
  if (step.turned && step.counted) {
    const std::uint64_t turns = sample.iteration - last_->iteration;
    step.counted = turns <= static_cast<std::uint64_t>(step.length / kFastestTurn) + 1;
    if (step.counted) step.turns = turns;
  }
  if (sample.sched && last_->sched && sample.sched->run >= last_->sched->run &&
      sample.sched->runqueue_wait >= last_->sched->runqueue_wait) {
    step.run = sample.sched->run - last_->sched->run;
    step.runqueue_wait = sample.sched->runqueue_wait - last_->sched->runqueue_wait;
  }
  return step;
}

bool SampledTracker::can_be_judged(const Step& step, const LoopSample& sample) const {
  const bool unchanged = !step.turned && waits(sample) == waits(*last_);
  if (in_gap_) return unchanged && step.counted;
  return unchanged || step.length <= kLongestGuessedStep || (step.counted && step.used());
}

void SampledTracker::on_sample(const LoopSample& raw) {
  if (raw.at < Nanos(0) || raw.at > kLargestTime) return;
  const LoopSample sample = sane(raw);
  if (sample.withheld) {
    if (last_ && sample.at > last_->at) withheld_ = sample;
    return;
  }
  if (const auto held = std::exchange(withheld_, std::nullopt)) take(*held);
  take(sample);
}

void SampledTracker::take(const LoopSample& sample) {
  if (sample.iteration_is_count) stats_.add_iterations(0);
  if (!last_) {
    start_anew(sample);
    return;
  }
  if (sample.at <= last_->at) {
    if (last_->at - sample.at > kClockChange) start_anew(sample);
    return;
  }
  if (sample.unsure && unsure_since_ == Nanos(0)) unsure_since_ = last_->at;
  const Step step = step_to(sample);
  if (step.length > kLongestStep) {
    start_anew(sample);
    return;
  }
  if (step.counted) stats_.add_iterations(step.turns);
  if (!can_be_judged(step, sample)) {
    stats_.add_unwatched(step.length);
    start_anew(sample);
    return;
  }
  if (waits(*last_)) {
    waits(sample) ? waited(step, sample) : became_busy(step, sample);
  } else if (waits(sample)) {
    became_idle(step, sample);
  } else if (step.turned) {
    next_period(step, sample);
  } else {
    stayed_busy(step, sample);
  }
  last_ = sample;
  in_gap_ = false;
  if (waits(sample)) {
    if (is_long_unsure(sample.at)) unsure_until_ = sample.at;
    unsure_since_ = Nanos(0);
  } else {
    report_stall();
  }
}

bool SampledTracker::is_long_unsure(Nanos at) const {
  return unsure_since_ != Nanos(0) && at - unsure_since_ >= stalls_.threshold();
}

bool SampledTracker::lag_is_known(Nanos now) const {
  return !is_long_unsure(now) && now - unsure_until_ >= kLagWindow;
}

void SampledTracker::on_gap(Nanos at) {
  withheld_.reset();
  if (!last_ || at <= last_->at || at > kLargestTime) return;
  in_gap_ = true;
  gap_until_ = std::min(at, last_->at + kLongestStep);
}

/// Ends what was in progress at the last look and takes this one as the first.
void SampledTracker::start_anew(const LoopSample& sample) {
  if (last_ && !waits(*last_)) abandon_period();
  last_ = sample;
  in_gap_ = false;
  if (!waits(sample)) {
    stretch_.clear();
    open_ = OpenPeriod();
    open_.collections.begin(sample.at);
    open_.sched_before = sample.sched;
    open_.first_phase = sample.phase;
  }
}

void SampledTracker::waited(const Step& step, const LoopSample& sample) {
  const std::optional<Nanos> used = step.used();
  // Where turns are not counted, a thread that ran has turned.
  const std::uint64_t turns =
      step.turns == 0 && !step.counted ? assumed_turns(step.length) : step.turns;
  const Nanos busy = turns > 0 && used ? std::min(*used, step.length) : Nanos(0);

  stats_.add_waiting(step.length - busy);
  stats_.observe_no_lag(sample.at, step.length - busy);
  if (busy == Nanos(0)) return;
  stats_.observe_busy_periods(sample.at, busy / static_cast<std::int64_t>(turns), turns);
  if (step.counted && turns == 1 && busy >= stalls_.threshold()) {
    // Looks came too late to see it, but the accounting leaves no doubt.
    BusyPeriod stall{.start = sample.at - busy, .duration = busy, .phases = {}, .causes = {}};
    stall.phases[index_of(Phase::kUnknown)] = busy;
    stall.causes = split_causes(busy, last_->sched, sample.sched, {}, true);
    stats_.add_busy(Phase::kUnknown, busy);
    stalls_.on_busy_end(stall);
    return;
  }
  const PhaseTimes phases = mix_.split(busy);
  for (std::size_t i = 0; i < kPhaseCount; ++i) stats_.add_busy(static_cast<Phase>(i), phases[i]);
}

void SampledTracker::became_busy(const Step& step, const LoopSample& sample) {
  const std::uint64_t hidden = step.turns;
  const Nanos share = step.length / static_cast<std::int64_t>(hidden + 1);
  stretch_.clear();
  stretch_.add_edge(step.length, step.used());
  stretch_.add_periods(Nanos(0), step.length - share, hidden);
  open_period(sample, step.length, share);
}

void SampledTracker::stayed_busy(const Step& step, const LoopSample& sample) {
  stretch_.add_certain(step.length, last_->phase, sample.phase, step.used());
  open_.seen += step.length;
  open_.certain += step.length;
  open_.seen_phases[index_of(last_->phase)] += step.length / 2;
  open_.seen_phases[index_of(sample.phase)] += step.length - step.length / 2;
  const auto met = [&step](bool before, bool after) {
    return step.length / 2 * ((before ? 1 : 0) + (after ? 1 : 0));
  };
  open_.states.stopped += met(last_->stopped, sample.stopped);
  if (sample.collections) {
    open_.collections.add(*sample.collections, sample.at);
  } else {
    open_.states.collecting += met(last_->collecting, sample.collecting);
  }
}

void SampledTracker::next_period(const Step& step, const LoopSample& sample) {
  if (open_.seen >= kLongPeriod || stalls_.in_progress()) {
    next_after_long_period(step, sample);
    return;
  }
  const auto turns = static_cast<std::int64_t>(step.turns);
  const Nanos edge = step.length / (2 * turns);
  stretch_.add_gap(step.length, step.used());
  open_.uncertain += edge;
  remember_phases(step.length, false);
  stalls_.on_short_end(open_.certain + open_.uncertain, sample.at);
  stretch_.add_periods(open_.certain, open_.uncertain, 1);
  stretch_.add_periods(Nanos(0), step.length - 2 * edge, step.turns - 1);
  open_period(sample, step.length, edge);
  if (stretch_.full() || stretch_.length() >= kLongestStretch) settle(sample.at, false);
}

void SampledTracker::next_after_long_period(const Step& step, const LoopSample& sample) {
  const auto turns = static_cast<std::int64_t>(step.turns);
  const Nanos edge = step.length / (2 * turns);
  // This step is settled here: what waited for the long period to end is served at once,
  // so there is no waiting in it, and the mix has no part in it.
  remember_phases(Nanos(0), false);
  settle(last_->at, false);
  open_.certain += edge;
  if (sample.collections) {
    open_.collections.add(*sample.collections, sample.at, last_->at + edge);
  }
  const BusyPeriod period = period_so_far(last_->at + edge, sample, false);
  stats_.observe_busy_periods(period.end(), period.duration, 1);
  stalls_.on_busy_end(period);
  stats_.observe_busy_periods(sample.at, step.length / turns, step.turns - 1);

  stretch_.add_certain(step.length, last_->phase, sample.phase, step.used());
  open_period(sample, Nanos(0), Nanos(0));
  open_.certain = edge;
}

void SampledTracker::became_idle(const Step& step, const LoopSample& sample) {
  const std::uint64_t hidden = step.turns > 0 ? step.turns - 1 : 0;
  const Nanos share = step.length / static_cast<std::int64_t>(hidden + 1);
  stretch_.add_edge(step.length, step.used());
  stretch_.add_periods(Nanos(0), step.length - share, hidden);
  open_.uncertain += share;
  if (sample.collections) open_.collections.add(*sample.collections, sample.at);
  remember_phases(step.length, true);
  const Nanos back = scaled(share, stretch_.busy_share(true));
  settle(sample.at, true);
  const BusyPeriod period = period_so_far(last_->at + back, sample, true);
  if (!is_long_unsure(sample.at) || period.duration >= stalls_.threshold()) {
    stats_.observe_busy_periods(period.end(), period.duration, 1);
  }
  stalls_.on_busy_end(period);
}

/// Ends the open period where it was last seen.
void SampledTracker::abandon_period() {
  settle(last_->at, false);
  const BusyPeriod period = period_so_far(last_->at, *last_, false);
  stats_.observe_busy_periods(period.end(), period.duration, 1);
  stalls_.on_busy_end(period);
}

void SampledTracker::open_period(const LoopSample& sample, Nanos step_before, Nanos uncertain) {
  open_ = OpenPeriod();
  open_.collections.begin(last_->at);
  open_.sched_before = last_->sched;
  open_.step_before = step_before;
  open_.first_phase = sample.phase;
  open_.uncertain = uncertain;
}

/// Remembers where looks met the open period, for the time that no look saw. A period that
/// is shorter than the step before it was met with probability duration / step: its first
/// look stands for that whole step, less what looks saw for certain. A longer one is always
/// met; on average half of the steps before and after it belong to it.
void SampledTracker::remember_phases(Nanos step_after, bool exact) {
  if (busy_so_far(exact) < open_.step_before) {
    mix_.add(open_.first_phase, open_.step_before);
    for (std::size_t i = 0; i < kPhaseCount; ++i) {
      mix_.add(static_cast<Phase>(i), -open_.seen_phases[i]);
    }
  } else {
    mix_.add(open_.first_phase, open_.step_before / 2);
    mix_.add(last_->phase, step_after / 2);
  }
  mix_.age();
}

void SampledTracker::settle(Nanos at, bool exact) {
  if (is_long_unsure(at)) stretch_.forget_periods();
  const double share = stretch_.settle(at, exact, mix_, stats_);
  open_.certain += scaled(std::exchange(open_.uncertain, Nanos(0)), share);
}

Nanos SampledTracker::busy_so_far(bool exact) const {
  if (open_.uncertain == Nanos(0)) return open_.certain;
  return open_.certain + scaled(open_.uncertain, stretch_.busy_share(exact));
}

BusyPeriod SampledTracker::period_so_far(Nanos end, const LoopSample& now, bool exact) const {
  BusyPeriod period;
  period.duration = busy_so_far(exact);
  period.start = end - period.duration;
  period.phases = open_.seen_phases;
  const Nanos edges = period.duration - open_.seen;
  period.phases[index_of(open_.first_phase)] += edges / 2;
  period.phases[index_of(last_->phase)] += edges - edges / 2;
  StateTimes states = open_.states;
  states.collecting += open_.collections.total(end);
  period.causes = split_causes(period.duration, open_.sched_before, now.sched, states, exact);
  return period;
}

void SampledTracker::report_stall() {
  const Nanos most = open_.certain + open_.uncertain;
  if (most < stalls_.told_from() && !stalls_.in_progress()) return;
  stalls_.on_busy(period_so_far(last_->at, *last_, false));
}

std::optional<Nanos> SampledTracker::busy_for(Nanos now) const {
  if (!last_ || waits(*last_)) return Nanos(0);
  if (withheld_) return std::nullopt;
  const Nanos since_look = now > last_->at ? now - last_->at : Nanos(0);
  const Nanos busy = busy_so_far(false) + (since_look > kStaleLook ? Nanos(0) : since_look);
  // What is known to be a stall is one, and may have lasted longer.
  if (busy < stalls_.threshold() && is_long_unsure(last_->at)) return std::nullopt;
  return busy;
}

void SampledTracker::show_open_time() {
  PhaseTimes times{};
  if (last_ && !waits(*last_)) {
    PhaseMix with_open_period = mix_;
    with_open_period.add(open_.first_phase, open_.step_before / 2);
    times = stretch_.open_time(with_open_period);
  }
  stats_.set_open_time(times, in_gap_ ? gap_until_ - last_->at : Nanos(0));
}

}  // namespace loopscope
