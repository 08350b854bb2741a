#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "target/thread_counters.h"

namespace loopscope {

/// How the registers and the stack of a thread are had.
enum class CaptureWay : std::uint8_t {
  kPerf,      ///< a perf event samples the running thread; it is never stopped
  kSleeping,  ///< /proc tells stack pointer and pc of a thread asleep in a system call
  kPtrace,    ///< the thread is stopped for a fraction of a millisecond
};
inline constexpr std::size_t kCaptureWayCount = 3;

constexpr std::string_view to_string(CaptureWay way) {
  switch (way) {
    case CaptureWay::kPerf:
      return "perf";
    case CaptureWay::kSleeping:
      return "sleeping";
    case CaptureWay::kPtrace:
      return "ptrace";
  }
  return "unknown";
}

/// x86-64 user registers of a thread at one instant. A sleeping thread shows pc and sp only.
struct StackRegisters {
  std::uint64_t pc = 0;
  std::uint64_t sp = 0;
  bool has_all = false;  ///< what follows is known
  std::uint64_t fp = 0;  ///< rbp
  std::uint64_t r9 = 0;
  std::uint64_t r12 = 0;
  std::uint64_t r13 = 0;
  std::uint64_t fs_base = 0;  ///< thread pointer; 0: not known (only ptrace tells it)
  // Callee-saved registers the unwinder may ask for; known to ptrace and perf.
  std::uint64_t rbx = 0;
  std::uint64_t r14 = 0;
  std::uint64_t r15 = 0;
};

/// One look at a thread's user-mode stack: registers and a copy of the stack's top, both of
/// one instant. Names and places only ever leave this project, never the copied bytes.
struct StackSample {
  CaptureWay way = CaptureWay::kPerf;
  int pid = 0;
  int tid = 0;
  Nanos at{0};  ///< monotonic
  StackRegisters registers;
  std::vector<std::byte> stack;         ///< bytes from registers.sp upwards; may be empty
  std::optional<SyscallState> syscall;  ///< of a sleeping thread: what it sleeps in
  Nanos stopped{0};                     ///< for how long the thread was stopped for this; 0: never
};

/// The innermost frame of code that a JIT made, as unwinding the native frames above found it.
struct GeneratedFrame {
  std::uint64_t pc = 0;  ///< the return address into it; with no native frame above: where it runs
  std::uint64_t sp = 0;
  std::uint64_t fp = 0;  ///< rbp; 0: not known
};

}  // namespace loopscope
