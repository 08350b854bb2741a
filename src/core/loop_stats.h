#pragma once

#include <cstdint>
#include <optional>

#include "core/busy_period.h"
#include "core/histogram.h"
#include "core/lag_window.h"
#include "core/monotone_totals.h"
#include "core/rolling_max.h"
#include "core/snapshot.h"

namespace loopscope {

/// The figures of one loop. Nothing is ever reset and nothing monotone ever goes down.
/// Not thread-safe.
///
/// Time: every observed nanosecond is in exactly one phase (kPollWait: waiting) or
/// unwatched. Unwatched time is shown as phase `unknown` and is neither active nor idle.
///
/// Lag: the histogram gets one observation per millisecond of observed time; remainders
/// are carried over. Waiting time adds zeros. A busy period of length B adds lags spread
/// evenly over (0, B] when it ends. Periods shorter than a millisecond are collected until
/// they make one; it is then spread over (0, L], L being their mean length weighted with
/// time (what an arrival at a random moment meets), so the histogram's sum stays right.
class LoopStats {
 public:
  // Time. Amounts are >= 0 except where a judgement is taken back.
  void add_waiting(Nanos time);
  void add_busy(Phase phase, Nanos time);
  void add_unwatched(Nanos time);
  /// Time counted as waiting turned out to be busy: takes it back (lag zeros stay).
  void take_back_waiting(Nanos time);
  /// Time in progress as judged now, by phase; replaces what was given before.
  void set_open_time(const PhaseTimes& times, Nanos unwatched);
  void clear_open_time() { time_.clear_open(); }

  // Lag.
  /// Waiting time until `end` as seen by arrivals: lag 0. Not included in add_waiting().
  void observe_no_lag(Nanos end, Nanos time);
  /// `n` busy periods of `length` each, the last of which ended at `end`.
  void observe_busy_periods(Nanos end, Nanos length, std::uint64_t n);
  /// Busy periods shorter than a millisecond by their sums: of lengths and of their squares
  /// (in seconds squared).
  void observe_short_periods(Nanos end, Nanos total, double squared_s2);

  // Iterations.
  void add_iterations(std::uint64_t n) { iterations_ = iterations_.value_or(0) + n; }
  /// `n` iterations that were busy for `total` together, each within one bucket.
  void observe_iterations(Nanos total, std::uint64_t n);

  // Stalls; for StallTracker.
  void set_open_stall(const BusyPeriod& stall, Phase phase, Cause cause);
  void settle_stall(const BusyPeriod& stall, Phase phase, Cause cause);

  /// `now` decides what the rolling figures cover; they include the busy period in progress,
  /// which has lasted for `blocked` (absent: not known). The other fields about the present
  /// (current_phase, timer_lateness) are left for the caller.
  LoopStatsSnapshot snapshot(Nanos now, std::optional<Nanos> blocked = Nanos(0));

 private:
  static constexpr std::size_t kUnwatchedCell = kPhaseCount;
  static constexpr std::size_t kStallCells = kPhaseCount * kCauseCount;

  void add_short_periods(double total_s, double squared_s2);
  double next_shift();

  MonotoneTotals<kPhaseCount + 1> time_;
  MonotoneTotals<kStallCells, kPhaseCount> stall_count_;
  MonotoneTotals<kStallCells, kPhaseCount> stall_time_;
  Histogram lag_;
  Histogram stall_duration_;
  std::optional<Histogram> iteration_duration_;
  std::optional<std::uint64_t> iterations_;
  RollingMax<Nanos> lag_max_;
  LagWindow lag_window_;

  Nanos waiting_carry_{0};
  Nanos long_carry_{0};
  double short_carry_s_ = 0;
  double short_carry_s2_ = 0;  ///< sum of squared lengths that belong to short_carry_s_
  std::uint64_t shifts_ = 0;
};

}  // namespace loopscope
