#pragma once

#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <chrono>
#include <cstddef>
#include <optional>

#include "culprit/stack_sample.h"
#include "target/thread_counters.h"

namespace loopscope {

/// Registers and the top of the stack of a thread, taken with a ptrace stop. For tests of what
/// reads samples: the product has its own ways. Absent: not permitted, or gone.
inline std::optional<StackSample> ptrace_sample(int pid, int tid,
                                                std::size_t stack_bytes = std::size_t{64} << 10) {
  if (::ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) != 0) return std::nullopt;
  int status = 0;
  user_regs_struct regs{};
  std::optional<StackSample> sample;
  if (::ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr) == 0 &&
      ::waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status) &&
      ::ptrace(PTRACE_GETREGS, tid, nullptr, &regs) == 0) {
    sample.emplace();
    sample->way = CaptureWay::kPtrace;
    sample->pid = pid;
    sample->tid = tid;
    sample->at = std::chrono::steady_clock::now().time_since_epoch();
    StackRegisters& to = sample->registers;
    to.pc = regs.rip;
    to.sp = regs.rsp;
    to.has_all = true;
    to.fp = regs.rbp;
    to.r9 = regs.r9;
    to.r12 = regs.r12;
    to.r13 = regs.r13;
    to.r14 = regs.r14;
    to.r15 = regs.r15;
    to.rbx = regs.rbx;
    to.fs_base = regs.fs_base;
    sample->stack.resize(stack_bytes);
    const iovec local{sample->stack.data(), sample->stack.size()};
    const iovec remote{reinterpret_cast<void*>(regs.rsp), sample->stack.size()};
    const ssize_t got = ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
    sample->stack.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  }
  ::ptrace(PTRACE_DETACH, tid, nullptr, nullptr);
  return sample;
}

/// What /proc tells of a thread asleep in a system call: pc and sp, nothing else.
inline std::optional<StackSample> sleeping_sample(int pid, int tid) {
  auto counters = ThreadCounters::open(pid, tid);
  if (!counters) return std::nullopt;
  const auto state = counters->syscall();
  if (!state || state->running) return std::nullopt;
  StackSample sample;
  sample.way = CaptureWay::kSleeping;
  sample.pid = pid;
  sample.tid = tid;
  sample.registers.pc = state->pc;
  sample.registers.sp = state->sp;
  sample.syscall = *state;
  return sample;
}

}  // namespace loopscope
