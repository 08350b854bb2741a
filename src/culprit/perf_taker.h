#pragma once

#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "culprit/stack_taker.h"

namespace loopscope {

/// Samples a running thread by a software perf event (cpu-clock, each millisecond of its own
/// time on a CPU, user mode only): the kernel copies registers and 32 KB of stack in the
/// timer interrupt, the thread is never stopped. The event counts within take() only, and its
/// buffer is mapped only then.
/// Needs kernel.perf_event_paranoid <= 2 and ptrace access to the thread, or CAP_PERFMON;
/// container seccomp profiles usually refuse the call.
class PerfTaker final : public StackTaker {
 public:
  static Result<std::unique_ptr<StackTaker>> open(int pid, int tid);

  CaptureWay way() const override { return CaptureWay::kPerf; }
  Result<std::vector<StackSample>> take(std::size_t count, Nanos patience) override;

 private:
  PerfTaker(int pid, int tid, UniqueFd event) : pid_(pid), tid_(tid), event_(std::move(event)) {}

  int pid_;
  int tid_;
  UniqueFd event_;
};

}  // namespace loopscope
