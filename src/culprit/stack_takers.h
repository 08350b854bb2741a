#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "culprit/capture_counters.h"
#include "culprit/stack_taker.h"

namespace loopscope {

/// Takes stacks of one thread by the way that fits what it is doing: asleep, by /proc; running,
/// by perf events; where that is refused or gives nothing, by ptrace. Ways are opened when they
/// are first wanted. Used from one thread at a time.
class StackTakers {
 public:
  /// `counters` must outlive this.
  StackTakers(int pid, int tid, CaptureWays allowed, CaptureCounters& counters);

  /// Up to `count` samples within about `patience`; none is no error. Error: no way works.
  Result<std::vector<StackSample>> take(std::size_t count, Nanos patience);
  /// Ways that are refused are tried anew.
  void set_allowed(const CaptureWays& allowed);

 private:
  struct Way {
    bool allowed = false;
    bool tried = false;
    std::unique_ptr<StackTaker> taker;
    std::string refusal;
  };
  using Opener = Result<std::unique_ptr<StackTaker>> (*)(int pid, int tid);

  /// nullptr: refused or not allowed.
  StackTaker* taker(CaptureWay way);
  std::vector<StackSample> take_by(CaptureWay way, std::size_t count, Nanos patience);
  Error why_not() const;

  const int pid_;
  const int tid_;
  CaptureCounters& counters_;
  std::array<Way, kCaptureWayCount> ways_;
};

}  // namespace loopscope
