#pragma once

#include <array>

#include "core/busy_period.h"

namespace loopscope {

/// In which phases short busy periods spend their time, by where looks have met them
/// lately. Splits busy time whose amount is known (scheduler accounting) but whose place
/// no look has seen. Not thread-safe.
///
/// A look that meets a period with a probability in proportion to its length finds every
/// phase as often as its share of time, provided each look is weighted with the time it
/// stands for; that holds while the rate of looks changes.
class PhaseMix {
 public:
  /// A look met a busy period in `phase`; it stands for `weight` of time. Negative: that
  /// much of what other looks stand for is accounted for already.
  void add(Phase phase, Nanos weight);
  /// Ends one busy period's looks: older ones count a little less from now on.
  void age();
  /// Shares that sum to `total`. Before any look: all of it in kPoll, where the callbacks
  /// of a loop that has just woken up are.
  PhaseTimes split(Nanos total) const;

 private:
  std::array<double, kPhaseCount> weights_{};
};

}  // namespace loopscope
