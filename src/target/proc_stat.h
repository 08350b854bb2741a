#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace loopscope {

/// Whether a state letter of /proc means stopped: by a signal (T) or by a tracer (t).
constexpr bool is_stopped_state(char state) { return state == 'T' || state == 't'; }

/// The fields of /proc/PID/stat (or /proc/PID/task/TID/stat) this project uses.
/// `comm` points into the parsed text.
struct ProcStat {
  int pid = 0;
  std::string_view comm;
  char state = '?';
  int parent_pid = 0;
  std::uint32_t flags = 0;
  std::uint64_t minor_faults = 0;
  std::uint64_t user_ticks = 0;    ///< clock ticks
  std::uint64_t system_ticks = 0;  ///< clock ticks
  std::uint64_t thread_count = 0;
  std::uint64_t start_time = 0;  ///< clock ticks since boot
  /// Where the stack begins, which differs from exec to exec; 0 without ptrace access.
  std::uint64_t stack_start = 0;

  bool is_dead() const { return state == 'Z' || state == 'X' || state == 'x'; }
  bool is_stopped() const { return is_stopped_state(state); }
  /// PF_KTHREAD of the kernel's include/linux/sched.h; shown since Linux 2.6.
  bool is_kernel_thread() const { return (flags & 0x00200000U) != 0; }
};

/// Parses one stat line. comm is the only field a program chooses; it may hold blanks and
/// parentheses, so it ends at the last ')'.
std::optional<ProcStat> parse_proc_stat(std::string_view text);

}  // namespace loopscope
