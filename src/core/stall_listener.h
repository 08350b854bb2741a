#pragma once

#include <vector>

#include "core/busy_period.h"
#include "core/snapshot.h"

namespace loopscope {

/// One stall, ended or as far as it has come. `phase` and `cause` are the largest of its
/// parts so far and may change until it ends.
struct StallEvent {
  Nanos start{0};
  Nanos duration{0};
  Phase phase = Phase::kUnknown;
  Cause cause = Cause::kUnknown;
  CauseTimes causes{};
};

/// Told about the stalls of one loop as they happen, from the thread that feeds the loop's
/// tracker: must be quick and must not block.
class StallListener {
 public:
  virtual ~StallListener() = default;
  /// A busy period may become a stall; see StallWarning for which are told of. Followed by
  /// on_stall_started() for the same period, or by on_stall_averted().
  virtual void on_stall_looms() {}
  /// It ended before it was one.
  virtual void on_stall_averted() {}
  /// A busy period has just been seen over the threshold.
  virtual void on_stall_started(const StallEvent& stall) = 0;
  /// The same one goes on; called at every look.
  virtual void on_stall_progress(const StallEvent& stall) = 0;
  /// It ended. Always preceded by on_stall_started for the same stall.
  virtual void on_stall_ended(const StallEvent& stall) = 0;
  /// Stall time of the loop by the function to blame, where this listener finds that out.
  /// From any thread.
  virtual std::vector<CulpritTotals> culprits() const { return {}; }
};

}  // namespace loopscope
