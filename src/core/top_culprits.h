#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "core/culprit_key.h"
#include "core/snapshot.h"

namespace loopscope {

/// Stall time by function: the functions with the most of it by name, the rest as "other".
///
/// At most kShown functions are shown. What the others had is followed by the space-saving
/// algorithm (Metwally et al. 2005) for kCandidates of them, which gives a lower bound of
/// each one's time since it was last forgotten. A function whose bound is a quarter more
/// than what the least of the shown ones has takes that one's place: so a heavy function
/// that comes late still gets in, and two alike do not take turns.
///
/// What is shown is made of counters:
/// - A function's time starts at 0 when it gets in and grows by what it is credited from
///   then on, so it never goes down while shown and is never more than it had. What it had
///   before stays in "other".
/// - What a function had that is no longer shown goes to "other". "other" never goes down,
///   and the sum over all is exactly what was credited, at every moment.
/// - So rates of functions are right always, and that of "other" is too high for the moment
///   in which a function is replaced, by what the least of kShown had. A function that gets
///   in once more starts at 0 again: to Prometheus, a counter that was reset.
///
/// Keys are kept as given: the caller bounds their length. Not thread-safe.
class TopCulprits {
 public:
  static constexpr std::size_t kShown = 50;
  static constexpr std::size_t kCandidates = 200;

  /// Credits `time` (> 0, else nothing happens).
  void add(const CulpritKey& culprit, Nanos time);

  /// By key; "other", with nothing else, is last and absent while it has nothing.
  std::vector<CulpritTotals> totals() const;

 private:
  struct Shown {
    Nanos time{0};    ///< since it got in
    Nanos before{0};  ///< at least this much it had by then
    Nanos known() const { return before + time; }
  };
  struct Candidate {
    Nanos count{0};  ///< at most this much it had
    Nanos error{0};  ///< of which this much may have been others'
    Nanos known() const { return count - error; }
  };
  using ShownMap = std::map<CulpritKey, Shown>;
  using CandidateMap = std::map<CulpritKey, Candidate>;

  CandidateMap::iterator candidate(const CulpritKey& culprit);
  ShownMap::iterator least_shown();

  ShownMap shown_;
  CandidateMap candidates_;
  Nanos other_{0};
};

}  // namespace loopscope
