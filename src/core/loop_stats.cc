#include "core/loop_stats.h"

#include <algorithm>
#include <cmath>

#include "base/duration.h"

namespace loopscope {
namespace {

constexpr Nanos kLagUnit = std::chrono::milliseconds(1);  ///< observed time per observation

std::size_t stall_cell(Phase phase, std::size_t cause) {
  return index_of(phase) * kCauseCount + cause;
}

/// Moves whole units out of `carry` and returns how many.
std::uint64_t take_units(Nanos& carry) {
  const auto units = static_cast<std::uint64_t>(carry / kLagUnit);
  carry %= kLagUnit;
  return units;
}

}  // namespace

void LoopStats::add_waiting(Nanos time) { add_busy(Phase::kPollWait, time); }

void LoopStats::add_busy(Phase phase, Nanos time) {
  time_.add(index_of(phase), std::max(time, Nanos(0)).count());
}

void LoopStats::add_unwatched(Nanos time) {
  time_.add(kUnwatchedCell, std::max(time, Nanos(0)).count());
}

void LoopStats::take_back_waiting(Nanos time) {
  time_.add(index_of(Phase::kPollWait), -std::max(time, Nanos(0)).count());
}

void LoopStats::set_open_time(const PhaseTimes& times, Nanos unwatched) {
  decltype(time_)::Cells cells{};
  for (std::size_t i = 0; i < kPhaseCount; ++i) cells[i] = times[i].count();
  cells[kUnwatchedCell] = unwatched.count();
  time_.set_open(cells);
}

void LoopStats::observe_no_lag(Nanos end, Nanos time) {
  lag_window_.add_waiting(end, time);
  waiting_carry_ += std::max(time, Nanos(0));
  if (waiting_carry_ >= kLagUnit) lag_.observe(0, take_units(waiting_carry_));
}

void LoopStats::observe_busy_periods(Nanos end, Nanos length, std::uint64_t n) {
  if (n == 0 || length <= Nanos(0)) return;
  if (length < kLagUnit) {
    const double each = in_seconds(length);
    const double total = each * static_cast<double>(n);
    add_short_periods(total, total * each);
  } else {
    long_carry_ += length * static_cast<std::int64_t>(n);
    lag_.observe_uniform(in_seconds(length), take_units(long_carry_), next_shift());
  }
  lag_max_.record(end, length);
  lag_window_.add_busy(end, in_seconds(length), static_cast<double>(n));
}

void LoopStats::observe_short_periods(Nanos end, Nanos total, double squared_s2) {
  if (total <= Nanos(0) || !(squared_s2 >= 0)) return;
  add_short_periods(in_seconds(total), squared_s2);
  const std::chrono::duration<double> mean(squared_s2 / in_seconds(total));
  lag_max_.record(end, std::min(std::chrono::duration_cast<Nanos>(mean), kLagUnit));
  lag_window_.add_busy(end, mean.count(), in_seconds(total) / mean.count());
}

void LoopStats::add_short_periods(double total_s, double squared_s2) {
  short_carry_s_ += total_s;
  short_carry_s2_ += squared_s2;
  const double unit = in_seconds(kLagUnit);
  if (short_carry_s_ < unit) return;
  const double units = std::floor(short_carry_s_ / unit);
  lag_.observe_uniform(short_carry_s2_ / short_carry_s_, static_cast<std::uint64_t>(units),
                       next_shift());
  const double left = std::max(short_carry_s_ - units * unit, 0.0);
  short_carry_s2_ *= left / short_carry_s_;
  short_carry_s_ = left;
}

// Few observations cannot be spread evenly; shifting them by golden-ratio steps makes many
// small groups as even as one large one.
double LoopStats::next_shift() {
  constexpr double kGoldenStep = 0.6180339887498949;
  const double position = static_cast<double>(shifts_++ % 1'000'000) * kGoldenStep + 0.5;
  return 1 - (position - std::floor(position));
}

void LoopStats::observe_iterations(Nanos total, std::uint64_t n) {
  if (n == 0) return;
  if (!iteration_duration_) iteration_duration_.emplace();
  iteration_duration_->observe(in_seconds(total) / static_cast<double>(n), n);
}

void LoopStats::set_open_stall(const BusyPeriod& stall, Phase phase, Cause cause) {
  decltype(stall_count_)::Cells counts{};
  decltype(stall_time_)::Cells times{};
  counts[stall_cell(phase, index_of(cause))] = 1;
  for (std::size_t i = 0; i < kCauseCount; ++i) {
    times[stall_cell(phase, i)] = stall.causes[i].count();
  }
  stall_count_.set_open(counts);
  stall_time_.set_open(times);
}

void LoopStats::settle_stall(const BusyPeriod& stall, Phase phase, Cause cause) {
  stall_count_.clear_open();
  stall_time_.clear_open();
  stall_count_.add(stall_cell(phase, index_of(cause)), 1);
  for (std::size_t i = 0; i < kCauseCount; ++i) {
    stall_time_.add(stall_cell(phase, i), stall.causes[i].count());
  }
  stall_duration_.observe(in_seconds(stall.duration));
}

LoopStatsSnapshot LoopStats::snapshot(Nanos now, std::optional<Nanos> blocked) {
  LoopStatsSnapshot result;
  result.lag = lag_.snapshot();
  result.blocked = blocked;
  const Nanos open = blocked.value_or(Nanos(0));
  result.lag_max_1m = std::max(lag_max_.max(now), open);
  result.lag_1m = lag_window_.summary(now, open);
  const auto& times = time_.publish();
  for (std::size_t i = 0; i < kPhaseCount; ++i) {
    result.phase_time[i] = Nanos(times[i]);
    if (static_cast<Phase>(i) != Phase::kPollWait) result.active_time += Nanos(times[i]);
  }
  result.idle_time = result.phase_time[index_of(Phase::kPollWait)];
  result.phase_time[index_of(Phase::kUnknown)] += Nanos(times[kUnwatchedCell]);
  result.iterations = iterations_;
  if (iteration_duration_) result.iteration_duration = iteration_duration_->snapshot();
  const auto& counts = stall_count_.publish();
  const auto& stall_times = stall_time_.publish();
  for (std::size_t phase = 0; phase < kPhaseCount; ++phase) {
    for (std::size_t cause = 0; cause < kCauseCount; ++cause) {
      const std::size_t cell = stall_cell(static_cast<Phase>(phase), cause);
      result.stalls[phase][cause] = {static_cast<std::uint64_t>(counts[cell]),
                                     Nanos(stall_times[cell])};
    }
  }
  result.stall_duration = stall_duration_.snapshot();
  return result;
}

}  // namespace loopscope
