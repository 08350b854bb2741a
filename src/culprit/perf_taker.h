#pragma once

#include <memory>
#include <vector>

#include "culprit/stack_taker.h"

namespace loopscope {

/// Samples a running thread by a software perf event (cpu-clock, each millisecond of its own
/// time on a CPU, user mode only): the kernel copies registers and 32 KB of stack in the
/// timer interrupt, the thread is never stopped. The event exists within take() only: even a
/// disabled one costs its thread about a microsecond each time it sleeps and wakes.
/// Needs kernel.perf_event_paranoid <= 2 and ptrace access to the thread, or CAP_PERFMON;
/// container seccomp profiles usually refuse the call.
class PerfTaker final : public StackTaker {
 public:
  static Result<std::unique_ptr<StackTaker>> open(int pid, int tid);

  CaptureWay way() const override { return CaptureWay::kPerf; }
  Result<std::vector<StackSample>> take(std::size_t count, Nanos patience) override;

 private:
  PerfTaker(int pid, int tid) : pid_(pid), tid_(tid) {}

  int pid_;
  int tid_;
};

}  // namespace loopscope
