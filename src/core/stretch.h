#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/loop_stats.h"
#include "core/phase_mix.h"

namespace loopscope {

/// That share of a time.
inline Nanos scaled(Nanos time, double share) {
  return Nanos(static_cast<std::int64_t>(static_cast<double>(time.count()) * share));
}

/// Time between two waiting looks during which looks met the loop busy, not yet settled.
///
/// Part of it is certain (two looks in a row met the same busy period), the rest is steps
/// during which the loop changed between busy and waiting at unseen moments. The
/// scheduler's accounting says how much of those was busy: exactly from one waiting look to
/// the next, up to a tick too little in between, so time is settled only at the next
/// waiting look, or provisionally with the remainder carried over. Without accounting,
/// steps between a waiting and a busy look count half, steps between two busy ones whole.
/// All busy time of uncertain steps is put into phases by the PhaseMix. Not thread-safe.
class Stretch {
 public:
  /// How far `run` may lag while a thread runs (a 100 Hz tick).
  static constexpr Nanos kTick = std::chrono::milliseconds(10);

  /// Forgets everything; the next step starts a new stretch.
  void clear() { *this = Stretch(); }

  // One step between two looks. `used`: run + runqueue_wait during it, if known.
  /// Both looks met the same busy period.
  void add_certain(Nanos step, Phase before, Phase after, std::optional<Nanos> used);
  /// One look waited, the other was busy.
  void add_edge(Nanos step, std::optional<Nanos> used);
  /// The looks met different busy periods.
  void add_gap(Nanos step, std::optional<Nanos> used);

  /// `n` busy periods that ended within this stretch: together `certain` long plus what
  /// turns out to be busy of `uncertain`.
  void add_periods(Nanos certain, Nanos uncertain, std::uint64_t n);
  /// How the busy time is divided into periods is not known: no lag will be told of it.
  void forget_periods() { period_count_ = 0; }
  /// No more periods can be added before settle().
  bool full() const { return period_count_ + 2 > periods_.size(); }

  Nanos length() const { return certain_ + uncertain(); }
  /// Which part of the uncertain steps was busy, as far as can be said now.
  /// `exact`: the last step ended with a waiting look.
  double busy_share(bool exact) const;
  /// Adds everything to `stats` as of `at` and starts anew; returns the busy share used.
  /// If not exact, accounting not used up is carried over.
  double settle(Nanos at, bool exact, const PhaseMix& mix, LoopStats& stats);
  /// What settle() would add now, for showing it meanwhile.
  PhaseTimes open_time(const PhaseMix& mix) const;

 private:
  struct Periods {
    Nanos certain{0};
    Nanos uncertain{0};
    std::uint64_t n = 0;
  };

  Nanos uncertain() const { return edges_ + gaps_; }
  Nanos uncertain_busy(bool exact) const;
  bool slept(bool exact) const;
  void account(std::optional<Nanos> used);

  bool accounted_ = true;  ///< every step had scheduler accounting
  Nanos used_{0};          ///< accounting of the steps so far, plus what was carried over
  Nanos used_certain_{0};  ///< the part of it that fell into certain steps
  Nanos best_excess_ = Nanos::min();  ///< largest used_ - certain_ seen: staleness only lowers it
  Nanos certain_{0};
  PhaseTimes certain_phases_{};
  Nanos edges_{0};
  Nanos gaps_{0};
  Nanos edge_guess_{0};  ///< half of the edges, as far as guessing goes
  std::array<Periods, 32> periods_{};
  std::size_t period_count_ = 0;
};

}  // namespace loopscope
