#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "culprit/capture_counters.h"
#include "culprit/stack_taker.h"
#include "target/process_id.h"

namespace loopscope {

/// Takes stacks of one thread by the way that fits what it is doing: asleep, by /proc; running,
/// by perf events; where that is refused or gives nothing, by ptrace. Ways are opened when they
/// are first wanted. One that is refused, or fails later, is tried again after kFirstRetry, then
/// after ever longer times up to kLongestRetry: descriptors or locked memory may have been
/// short for a moment, and what is forbidden may be allowed one day. Used from one thread at
/// a time.
class StackTakers {
 public:
  static constexpr Nanos kFirstRetry = std::chrono::seconds(1);
  static constexpr Nanos kLongestRetry = std::chrono::minutes(1);

  using Opener =
      std::function<Result<std::unique_ptr<StackTaker>>(CaptureWay way, int pid, int tid)>;

  /// `counters` must outlive this.
  StackTakers(const ProcessId& process, int tid, CaptureWays allowed, CaptureCounters& counters);
  /// With other ways and another clock, for tests; `clock` must outlive this, too.
  StackTakers(const ProcessId& process, int tid, CaptureWays allowed, CaptureCounters& counters,
              Opener opener, const Clock& clock);

  /// Up to `count` samples within about `patience`; none is no error. Error: no way works.
  /// `gently`: a thread that perf events can sample is not stopped; for a look that may be in
  /// vain.
  Result<std::vector<StackSample>> take(std::size_t count, Nanos patience, bool gently = false);
  /// Ways that are refused are tried anew at once.
  void set_allowed(const CaptureWays& allowed);

 private:
  struct Way {
    bool allowed = false;
    std::unique_ptr<StackTaker> taker;
    std::string refusal;
    Nanos retry_at{0};
    Nanos patience{0};  ///< from the last refusal to the next try; 0: there was none
  };

  /// nullptr: refused or not allowed.
  StackTaker* taker(CaptureWay way);
  void refuse(Way& way, const Error& error) const;
  std::vector<StackSample> take_by(CaptureWay way, std::size_t count, Nanos patience);
  Error why_not() const;

  const ProcessId process_;
  const int tid_;
  CaptureCounters& counters_;
  const Opener opener_;
  const Clock& clock_;
  std::array<Way, kCaptureWayCount> ways_;
};

}  // namespace loopscope
