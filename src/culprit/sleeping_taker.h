#pragma once

#include <memory>
#include <vector>

#include "culprit/stack_taker.h"
#include "target/remote_memory.h"
#include "target/thread_counters.h"

namespace loopscope {

/// Takes the stack of a thread that sleeps in the kernel: /proc tells where its stack pointer
/// is, and as long as it sleeps its stack does not change. A sample counts only if the thread
/// has not run meanwhile. Nothing reaches the target. Needs ptrace access.
class SleepingTaker final : public StackTaker {
 public:
  static Result<std::unique_ptr<StackTaker>> open(int pid, int tid);

  CaptureWay way() const override { return CaptureWay::kSleeping; }
  /// One sample at most: another would show the same. Does not wait.
  Result<std::vector<StackSample>> take(std::size_t count, Nanos patience) override;

 private:
  explicit SleepingTaker(ThreadCounters counters)
      : counters_(std::move(counters)), memory_(counters_.pid()) {}

  ThreadCounters counters_;
  RemoteMemory memory_;
};

}  // namespace loopscope
