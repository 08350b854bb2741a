#pragma once

#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <optional>

#include "culprit/stack_sample.h"

namespace loopscope {

/// Stops a thread, takes its registers and 64 KiB of its stack, and lets it go. Absent: not
/// permitted.
inline std::optional<StackSample> stopped_sample(int pid, int tid) {
  if (::ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) != 0) return std::nullopt;
  ::ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr);
  int status = 0;
  ::waitpid(tid, &status, __WALL);
  user_regs_struct values{};
  ::ptrace(PTRACE_GETREGS, tid, nullptr, &values);
  StackSample sample;
  sample.way = CaptureWay::kPtrace;
  sample.pid = pid;
  sample.tid = tid;
  StackRegisters& registers = sample.registers;
  registers.has_all = true;
  registers.pc = values.rip;
  registers.sp = values.rsp;
  registers.fp = values.rbp;
  registers.r9 = values.r9;
  registers.r12 = values.r12;
  registers.r13 = values.r13;
  registers.fs_base = values.fs_base;
  registers.rbx = values.rbx;
  registers.r14 = values.r14;
  registers.r15 = values.r15;
  sample.stack.resize(65536);
  const iovec local{sample.stack.data(), sample.stack.size()};
  // Short of the stack's end only what is there is copied, page by page.
  const iovec remote{reinterpret_cast<void*>(values.rsp), sample.stack.size()};
  const ssize_t copied = ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
  sample.stack.resize(copied > 0 ? static_cast<std::size_t>(copied) : 0);
  ::ptrace(PTRACE_DETACH, tid, nullptr, nullptr);
  return sample;
}

}  // namespace loopscope
