#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "culprit/stack_sample.h"

namespace loopscope {

/// How much of a stack's top is copied at most, where the way does not set a limit itself.
inline constexpr std::size_t kCopiedStackBytes = std::size_t{64} << 10;

/// The clock of StackSample::at.
inline Nanos taking_time() { return std::chrono::steady_clock::now().time_since_epoch(); }

/// One way of taking stacks of one thread. Used from one thread at a time.
class StackTaker {
 public:
  virtual ~StackTaker() = default;
  virtual CaptureWay way() const = 0;
  /// Takes up to `count` samples, waiting for them `patience` at most. Fewer, or none, is no
  /// error: the thread may be asleep (kPerf), or running (kSleeping). Error: this way does
  /// not work for this thread (any more); the message tells what would allow it.
  virtual Result<std::vector<StackSample>> take(std::size_t count, Nanos patience) = 0;
};

/// Which ways may be used.
struct CaptureWays {
  bool perf = true;
  bool sleeping = true;
  bool ptrace = true;

  friend bool operator==(const CaptureWays&, const CaptureWays&) = default;
};

/// What works for a thread and what does not, for `doctor`. Opens and closes each way; the
/// ptrace way is judged without stopping anything.
struct CaptureWayReport {
  CaptureWay way = CaptureWay::kPerf;
  bool available = false;
  std::string reason;  ///< why not, and what would allow it; empty if available
};
std::vector<CaptureWayReport> describe_capture_ways(int pid, int tid, const CaptureWays& allowed);

}  // namespace loopscope
