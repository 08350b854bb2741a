#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "culprit/stack_taker.h"
#include "target/thread_counters.h"

namespace loopscope {

/// Stops a thread for a fraction of a millisecond, copies its registers and 64 KB of its stack
/// and lets it go. For where perf events are refused.
///
/// A thread that sleeps is left alone: the kernel does not restart every call a stop interrupts
/// (epoll_wait returns EINTR, signal(7)), and SleepingTaker serves it better.
///
/// Each sample is taken by a thread of its own that ends right after it: whatever goes wrong,
/// the kernel then lets the target go (ptrace(2): a tracer's end detaches its tracees; the
/// option to kill them is never set). A target that does not stop within kStopPatience (it has
/// no CPU, or sleeps uninterruptibly) is let go without having been stopped. A thread that has
/// got the id of the one that was meant is not stopped at all.
class PtraceTaker final : public StackTaker {
 public:
  static constexpr Nanos kStopPatience = std::chrono::milliseconds(1);
  /// Between two samples, so that most of the time the thread runs.
  static constexpr Nanos kSpacing = std::chrono::milliseconds(5);

  /// Judges by permission alone; nothing is stopped.
  static Result<std::unique_ptr<StackTaker>> open(int pid, int tid);

  CaptureWay way() const override { return CaptureWay::kPtrace; }
  Result<std::vector<StackSample>> take(std::size_t count, Nanos patience) override;

 private:
  explicit PtraceTaker(ThreadCounters thread) : thread_(std::move(thread)) {}

  ThreadCounters thread_;
};

}  // namespace loopscope
