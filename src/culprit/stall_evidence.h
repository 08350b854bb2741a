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
/// also from the beginning. The stall's culprit is the function with the most time so, and its
/// line the one with the most time among those of this function. Functions are told apart by
/// name, file and where they begin; the latest sample of that function in that line lends the
/// record its stack. Not thread-safe.
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
  /// A line of a suspect; 0 is one as well: it is not known.
  struct Line {
    ResolvedStack latest;
    Nanos time{0};
  };
  struct Suspect {
    std::vector<Line> lines;
    std::size_t current = 0;  ///< index of the one seen last
    Nanos time{0};            ///< also of lines that are forgotten
  };
  static constexpr std::size_t kMaxSuspects = 32;
  static constexpr std::size_t kMaxLines = 8;

  Suspect* suspect_for(const ResolvedStack& stack);
  static Line& line_for(Suspect& suspect, const ResolvedStack& stack);
  void credit(Nanos until);

  std::vector<Suspect> suspects_;
  std::size_t current_ = 0;  ///< index of the one seen last
  ResolvedStack unnamed_;
  bool has_unnamed_ = false;
  Nanos since_;  ///< time is credited up to here
};

}  // namespace loopscope
