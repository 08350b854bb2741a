#pragma once

#include <optional>
#include <variant>

#include "core/exact_tracker.h"
#include "core/sampled_tracker.h"

namespace loopscope {

/// Measures one loop: takes what a source sees of it, keeps its figures. The front of
/// core; see SampledTracker and ExactTracker for how figures come about.
///
/// Not thread-safe: the caller locks. All times are on one monotonic clock and are given in
/// order; out-of-order ones are ignored. Calls that do not fit `exact` are ignored.
class LoopTracker {
 public:
  struct Options {
    Nanos stall_threshold = std::chrono::milliseconds(50);
    /// Fed by on_iteration() instead of on_sample().
    bool exact = false;
  };

  /// `listener` may be null and must outlive this.
  explicit LoopTracker(Options options, StallListener* listener = nullptr);
  LoopTracker(const LoopTracker&) = delete;
  LoopTracker& operator=(const LoopTracker&) = delete;

  // Sampling sources.
  void on_sample(const LoopSample& sample);

  // Exact sources.
  void on_iteration(const LoopIteration& iteration);
  void on_short_iterations(const ShortIterations& turns);
  /// An iteration has been in progress since `since` and is in `phase`: call before
  /// snapshot(), so that it shows what the loop is doing. Ended by the next iteration.
  void on_busy(Nanos since, Phase phase);

  /// The source could not look from its last report until `at`.
  void on_gap(Nanos at);

  /// All figures as of `now`. Also brings what is in progress up to date.
  LoopStatsSnapshot snapshot(Nanos now);
  /// Brings what is in progress up to date, and tells the listener of it, without the cost of
  /// a snapshot. Sampling sources need it not: each sample does.
  void show_progress(Nanos now);
  /// How long the loop has been busy without polling at `now`; 0 while it waits; absent: not
  /// known, which exact sources never say.
  std::optional<Nanos> busy_for(Nanos now) const;
  void set_threshold(Nanos threshold) { stalls_.set_threshold(threshold); }

 private:
  LoopStats stats_;
  StallTracker stalls_;
  std::variant<SampledTracker, ExactTracker> source_;
};

}  // namespace loopscope
