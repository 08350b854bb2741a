#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.h"
#include "culprit/resolved_stack.h"

namespace loopscope {

/// What captures have told of one stall, and whom to blame for it.
///
/// Each capture is several samples of one moment; what most of them name is what ran then.
/// It is taken to have run until the next capture that names something, and the first one
/// also from the beginning. The stall's culprit is the function with the most time so.
/// Functions are told apart by name and file; of the samples that name the culprit, the
/// latest lends the record its stack and line. Not thread-safe.
class StallEvidence {
 public:
  explicit StallEvidence(Nanos start) : since_(start) {}

  /// The samples of one capture, taken at `at`; unnamed ones do not
  /// vote, and of several at least two have to agree. Returns what they
  /// name together, nullptr if nothing. The pointer holds until the next call.
  const ResolvedStack* add_capture(Nanos at, std::vector<ResolvedStack> samples);

  /// Culprit as of `now`; without a name, the stack of the latest sample if there is one.
  /// nullptr: nothing was captured. The pointer holds until the next call.
  const ResolvedStack* culprit(Nanos now) const;

 private:
  struct Suspect {
    ResolvedStack latest;
    Nanos time{0};
  };
  static constexpr std::size_t kMaxSuspects = 32;

  Suspect* suspect_for(const ResolvedStack& stack);

  std::vector<Suspect> suspects_;
  std::size_t current_ = 0;  ///< index of the one seen last
  ResolvedStack unnamed_;
  bool has_unnamed_ = false;
  Nanos since_;  ///< time is credited up to here
};

}  // namespace loopscope
