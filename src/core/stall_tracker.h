#pragma once

#include <algorithm>

#include "core/loop_stats.h"
#include "core/stall_listener.h"
#include "core/stall_warning.h"

namespace loopscope {

/// Decides which busy periods of a loop are stalls, counts them in LoopStats and tells a
/// listener. Not thread-safe.
///
/// A stall is counted from the moment it is seen over the threshold, under the phase that
/// holds most of its time so far and the largest of its causes so far; its seconds, under
/// that phase, are split over its causes. All of this may be judged anew until it ends, and
/// once more when it ends. Counters nevertheless never go down: a stall (or a part of its
/// seconds) that a snapshot has shown under labels that turn out wrong stays there, and the
/// next one that belongs there is shown under the labels that got too little (see
/// MonotoneTotals). Sums over all labels are right at every moment, single series in the
/// long run; a stall that no snapshot met in progress is counted under its final labels
/// from the start. Once over the threshold, a period stays a stall even if its duration is
/// corrected to a little less when it ends.
class StallTracker {
 public:
  /// `stats` and `listener` (may be null) must outlive this.
  StallTracker(LoopStats& stats, Nanos threshold, StallListener* listener)
      : stats_(stats), threshold_(threshold), listener_(listener), warning_(threshold) {}

  /// The period still lasts.
  void on_busy(const BusyPeriod& period);
  /// It ended.
  void on_busy_end(const BusyPeriod& period);
  /// A period that was not told of by on_busy_end() ended after `duration` at most.
  void on_short_end(Nanos duration, Nanos now);

  /// Applies to periods that are not stalls yet.
  void set_threshold(Nanos threshold);
  Nanos threshold() const { return threshold_; }
  /// Periods shorter than this need not be told of.
  Nanos told_from() const { return std::min(threshold_, warning_.due_from()); }
  bool in_progress() const { return in_progress_; }

 private:
  LoopStats& stats_;
  Nanos threshold_;
  StallListener* listener_;
  StallWarning warning_;
  bool in_progress_ = false;
};

}  // namespace loopscope
