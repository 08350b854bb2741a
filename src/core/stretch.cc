#include "core/stretch.h"

#include <algorithm>

namespace loopscope {
namespace {

/// With exact accounting, a thread that ran this much less than it was certainly busy slept.
constexpr Nanos kSleepSlack = std::chrono::milliseconds(2);
/// The most that is ever guessed to be busy without evidence at one edge: half of the
/// slowest regular step. A look that comes late must not invent a stall.
constexpr Nanos kLargestGuess = std::chrono::milliseconds(10);
constexpr Nanos kMostUsed = std::chrono::hours(24 * 365);

}  // namespace

void Stretch::account(std::optional<Nanos> used) {
  if (!used) {
    accounted_ = false;
    return;
  }
  used_ = std::min(used_ + *used, kMostUsed);
  best_excess_ = std::max(best_excess_, used_ - certain_);
}

void Stretch::add_certain(Nanos step, Phase before, Phase after, std::optional<Nanos> used) {
  certain_ += step;
  certain_phases_[index_of(before)] += step / 2;
  certain_phases_[index_of(after)] += step - step / 2;
  if (used) used_certain_ = std::min(used_certain_ + *used, kMostUsed);
  account(used);
}

void Stretch::add_edge(Nanos step, std::optional<Nanos> used) {
  edges_ += step;
  edge_guess_ += std::min(step / 2, kLargestGuess);
  account(used);
}

void Stretch::add_gap(Nanos step, std::optional<Nanos> used) {
  gaps_ += step;
  account(used);
}

void Stretch::add_periods(Nanos certain, Nanos uncertain, std::uint64_t n) {
  if (n == 0) return;
  periods_[period_count_++] = {certain, uncertain, n};
}

bool Stretch::slept(bool exact) const { return used_ - certain_ < -(exact ? kSleepSlack : kTick); }

Nanos Stretch::uncertain_busy(bool exact) const {
  if (!accounted_) return edge_guess_ + gaps_;
  if (slept(exact)) {
    // What ran at the edges is known, not how long it slept there.
    const Nanos ran = std::clamp(used_ - used_certain_, Nanos(0), uncertain());
    return ran + std::min((uncertain() - ran) / 2, edge_guess_ + gaps_);
  }
  return std::clamp(std::max(best_excess_, used_ - certain_), Nanos(0), uncertain());
}

double Stretch::busy_share(bool exact) const {
  if (uncertain() == Nanos(0)) return 0;
  return static_cast<double>(uncertain_busy(exact).count()) /
         static_cast<double>(uncertain().count());
}

double Stretch::settle(Nanos at, bool exact, const PhaseMix& mix, LoopStats& stats) {
  const double share = busy_share(exact);
  const Nanos busy = uncertain_busy(exact);
  for (std::size_t i = 0; i < period_count_; ++i) {
    const Periods& periods = periods_[i];
    const Nanos together = periods.certain + scaled(periods.uncertain, share);
    stats.observe_busy_periods(at, together / static_cast<std::int64_t>(periods.n), periods.n);
  }
  const PhaseTimes unseen = mix.split(busy);
  for (std::size_t i = 0; i < kPhaseCount; ++i) {
    stats.add_busy(static_cast<Phase>(i), certain_phases_[i] + unseen[i]);
  }
  stats.add_waiting(uncertain() - busy);
  stats.observe_no_lag(at, uncertain() - busy);

  Nanos carried{0};
  if (!exact && accounted_ && !slept(exact)) {
    carried = std::clamp(used_ - certain_ - busy, -kTick, kTick);
  }
  clear();
  used_ = carried;
  return share;
}

PhaseTimes Stretch::open_time(const PhaseMix& mix) const {
  const Nanos busy = uncertain_busy(false);
  PhaseTimes times = mix.split(busy);
  for (std::size_t i = 0; i < kPhaseCount; ++i) times[i] += certain_phases_[i];
  times[index_of(Phase::kPollWait)] += uncertain() - busy;
  return times;
}

}  // namespace loopscope
