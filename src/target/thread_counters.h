#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "core/loop_sample.h"
#include "target/proc_stat.h"

namespace loopscope {

/// What a thread is doing in the kernel (/proc/PID/task/TID/syscall).
struct SyscallState {
  bool running = false;  ///< runnable or running, in user mode or in the kernel: nothing else known
  std::int64_t number = -1;  ///< system call it sleeps in; -1: asleep outside any (a page fault)
  std::array<std::uint64_t, 6> args{};
  std::uint64_t sp = 0;
  std::uint64_t pc = 0;

  /// epoll_wait, epoll_pwait or epoll_pwait2; args[0] is the epoll descriptor.
  bool in_epoll_wait() const;
  /// poll, select or one of their kin: waiting for descriptors, but not in epoll.
  bool in_poll() const;
  /// futex or futex_waitv: a lock, a condition.
  bool in_futex() const;
  bool operator==(const SyscallState&) const = default;
};

/// System calls of the read and write families (/proc/PID/task/TID/io). recv*, send* and
/// epoll_* are not counted by the kernel.
struct IoCounters {
  std::uint64_t read_calls = 0;
  std::uint64_t write_calls = 0;
  bool operator==(const IoCounters&) const = default;
};

/// Counters of one thread, read through descriptors that stay open: bound to this very
/// thread (a reused tid gives an error, never another thread's figures). Files are opened
/// at first use. A reading costs one pread and no allocation (1-5 µs).
/// Not thread-safe: one reader at a time.
class ThreadCounters {
 public:
  /// Error: no such thread.
  static Result<ThreadCounters> open(int pid, int tid);

  int pid() const { return pid_; }
  int tid() const { return tid_; }

  /// A running thread that this program itself stops (OwnStops) counts as running meanwhile: it
  /// does not sleep.
  Result<SchedCounters> sched();
  /// sched() and how often the thread was put on a CPU.
  struct SchedDetail {
    SchedCounters times;
    std::uint64_t timeslices = 0;
  };
  Result<SchedDetail> sched_detail();
  /// Needs ptrace access (PTRACE_MODE_ATTACH).
  Result<SyscallState> syscall();
  /// 'R', 'S', 'D', 'T', 't', 'Z'...
  Result<char> state();
  /// The same line in full; comm is left empty.
  Result<ProcStat> stat();
  /// Needs ptrace access (PTRACE_MODE_READ).
  Result<IoCounters> io();
  /// voluntary_ctxt_switches of /proc/PID/task/TID/status: how often it went to sleep.
  Result<std::uint64_t> voluntary_switches();

 private:
  ThreadCounters(int pid, int tid, UniqueFd task_dir);
  /// Reads `name` into `buffer`; the Error tells what would allow it.
  Result<std::string_view> read(UniqueFd& file, const char* name, std::span<char> buffer);

  /// For how long this program itself has stopped it; never falls.
  Nanos own_stops();

  int pid_;
  int tid_;
  Nanos own_stops_{0};
  Nanos own_stops_seen_{0};
  UniqueFd task_dir_, sched_, syscall_, stat_, io_, status_;
};

std::optional<SyscallState> parse_syscall(std::string_view text);

}  // namespace loopscope
