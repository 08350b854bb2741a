#pragma once

#include <cstdint>
#include <optional>

#include "core/loop_sample.h"
#include "core/stall_tracker.h"

namespace loopscope {

/// Finished short turns by their sums, from an exact source that does not report each of
/// them. "Short": all within the first bucket of the duration histograms (1 ms).
struct ShortIterations {
  Nanos until{0};  ///< end of the last of them
  std::uint64_t count = 0;
  PhaseTimes phases{};    ///< busy time together; kPollWait is 0
  double squared_s2 = 0;  ///< sum of their squared busy times, in seconds squared
};

/// Turns the iterations of an exact source into LoopStats, literally. Iterations come in
/// order of time; what overlaps an earlier one is cut off. Not thread-safe.
class ExactTracker {
 public:
  /// Both must outlive this.
  ExactTracker(LoopStats& stats, StallTracker& stalls) : stats_(stats), stalls_(stalls) {}

  void on_iteration(const LoopIteration& iteration);
  /// Turns since the last report; the rest of the time until `until` was waiting.
  void on_short_iterations(const ShortIterations& turns);
  /// An iteration that began at `since` is in progress, in `phase` now. Holds until the
  /// next on_iteration() or on_short_iterations(); may be repeated.
  void on_busy(Nanos since, Phase phase);
  void on_gap(Nanos at);

  /// Brings what is in progress at `now` into stats, before a snapshot.
  void show_open_time(Nanos now);
  Nanos busy_for(Nanos now) const;
  Phase current_phase() const { return in_progress_ ? in_progress_->phase : Phase::kPollWait; }

 private:
  struct InProgress {
    Nanos since{0};
    Phase phase = Phase::kUnknown;
    Nanos credited_until{0};
    PhaseTimes phases{};  ///< credited so far to the phases it was seen in
  };

  bool starts_at(Nanos begin);
  void end_unseen();
  void credit(Nanos now);
  BusyPeriod period_so_far() const;
  void waited_until(Nanos time);

  LoopStats& stats_;
  StallTracker& stalls_;
  bool started_ = false;
  Nanos last_end_{0};      ///< of the last finished iteration
  Nanos waited_until_{0};  ///< waiting is accounted for up to here; >= last_end_
  std::optional<InProgress> in_progress_;
};

}  // namespace loopscope
