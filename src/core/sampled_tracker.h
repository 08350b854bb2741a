#pragma once

#include <cstdint>
#include <optional>

#include "core/cause_split.h"
#include "core/collection_time.h"
#include "core/loop_sample.h"
#include "core/phase_mix.h"
#include "core/stall_tracker.h"
#include "core/stretch.h"

namespace loopscope {

/// Turns the looks of a sampling source into LoopStats. Not thread-safe.
///
/// - Two waiting looks, no turn between: the loop waited. Turns between: scheduler
///   accounting says how long they were busy together; each is taken as equally long.
/// - Two busy looks in one iteration: one busy period, for certain, also over a long step.
/// - Anything else has an edge at an unseen moment; see Stretch. A period that is known to
///   be long and ends between two busy looks is taken to end midway.
/// - A stopped thread does not wait, wherever it was stopped.
/// - A stop between two looks lasted the whole step if both looks met it, half of it if one
///   did; so did a garbage collection, where the program's own times of it are not known.
///   Collecting is a part of the running time.
/// - A withheld look counts once a later one that is not withheld has come, and never if none
///   comes.
/// - While it cannot be told whether the loop polls (LoopSample::unsure) its time counts as
///   busy. If that goes on for as long as a stall, no lag is claimed of it, and how long the
///   loop has been blocked is not known until it waits.
/// - Without accounting and a turn count nothing is claimed about steps longer than
///   kLongestGuessedStep: they become unwatched.
///
/// `iteration` is understood as libuv counts: it grows when the loop enters its poll, so a
/// busy period has the number of the wait before it.
class SampledTracker {
 public:
  static constexpr Nanos kLongestGuessedStep = std::chrono::milliseconds(100);
  /// How far the rolling figures of LoopStats reach back, at most.
  static constexpr Nanos kLagWindow = std::chrono::seconds(65);

  /// Both must outlive this.
  SampledTracker(LoopStats& stats, StallTracker& stalls) : stats_(stats), stalls_(stalls) {}

  void on_sample(const LoopSample& raw);
  /// Nobody could look from the last sample until `at`. If the next sample proves that the
  /// loop neither polled nor changed state meanwhile, that time counts as usual; otherwise
  /// it is unwatched.
  void on_gap(Nanos at);

  /// How long the loop has been busy at `now`; 0 while it waits; absent: not known. Does not
  /// extrapolate from a last look older than a second.
  std::optional<Nanos> busy_for(Nanos now) const;
  /// False: within the last minute the loop may have been blocked without anybody knowing.
  bool lag_is_known(Nanos now) const;
  /// Brings what is in progress into stats, before a snapshot.
  void show_open_time();
  Phase current_phase() const { return last_ ? last_->phase : Phase::kUnknown; }
  Nanos timer_lateness() const { return last_ ? last_->timer_lateness : Nanos(0); }

 private:
  /// The busy period that looks have met and whose end they have not seen.
  struct OpenPeriod {
    std::optional<SchedCounters> sched_before;  ///< at the look before it
    Nanos step_before{0};                       ///< from that look to the first in it
    Phase first_phase = Phase::kUnknown;
    Nanos certain{0};  ///< between looks in it, and edges that are settled
    Nanos seen{0};     ///< between looks in it
    PhaseTimes seen_phases{};
    Nanos uncertain{0};  ///< its share of uncertain steps of the stretch
    StateTimes states;
    CollectionTime collections;  ///< of the steps in which they were told of
  };

  /// What lies between the last look and this one.
  struct Step {
    Nanos length{0};
    bool turned = false;
    bool counted = false;     ///< `turns` is an exact number
    std::uint64_t turns = 0;  ///< an assumption if not counted; 0 if not turned
    std::optional<Nanos> run, runqueue_wait;
    std::optional<Nanos> used() const;
  };

  void take(const LoopSample& sample);
  bool is_long_unsure(Nanos at) const;
  Step step_to(const LoopSample& sample) const;
  bool can_be_judged(const Step& step, const LoopSample& sample) const;
  void start_anew(const LoopSample& sample);

  void waited(const Step& step, const LoopSample& sample);
  void became_busy(const Step& step, const LoopSample& sample);
  void stayed_busy(const Step& step, const LoopSample& sample);
  void next_period(const Step& step, const LoopSample& sample);
  void next_after_long_period(const Step& step, const LoopSample& sample);
  void became_idle(const Step& step, const LoopSample& sample);

  void open_period(const LoopSample& sample, Nanos step_before, Nanos uncertain);
  void remember_phases(Nanos step_after, bool exact);
  void settle(Nanos at, bool exact);
  void abandon_period();
  Nanos busy_so_far(bool exact) const;
  /// `now`: the look whose accounting counts; `exact`: it waited.
  BusyPeriod period_so_far(Nanos end, const LoopSample& now, bool exact) const;
  void report_stall();

  LoopStats& stats_;
  StallTracker& stalls_;
  std::optional<LoopSample> last_;
  Nanos gap_until_{0};
  bool in_gap_ = false;
  std::optional<LoopSample> withheld_;  ///< the last one
  Nanos unsure_since_{0};               ///< 0: it is known whether the loop polls
  Nanos unsure_until_{-kLagWindow};     ///< end of the last long time in which it was not
  OpenPeriod open_;                     ///< valid while last_ is busy
  Stretch stretch_;
  PhaseMix mix_;
};

}  // namespace loopscope
