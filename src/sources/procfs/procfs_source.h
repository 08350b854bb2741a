#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sources/loop_source.h"
#include "sources/procfs/loop_proof.h"
#include "sources/procfs/poll_evidence.h"
#include "sources/procfs/thread_look.h"
#include "target/stop_detector.h"
#include "target/thread_counters.h"

namespace loopscope {

/// Samples any thread that waits in epoll (Deno, Bun, nginx, redis, asyncio...) by
/// /proc/PID/task/TID/{syscall,schedstat,io,status}: waiting or busy, without phases.
///
/// What it looks at has to prove that it is a loop, see LoopProof.
/// Waiting is being asleep in an epoll call on the loop's own descriptor; in one on another
/// descriptor deeper in the stack (a nested loop of a synchronous child) it is busy.
/// Iterations are told apart by PollEvidence: a busy period is claimed only where nothing
/// speaks for a poll in between, so lag is under- and not overstated.
/// Needs ptrace access to the target.
class ProcfsSource final : public LoopSource {
 public:
  /// nullptr: the thread does not wait in epoll at this instant, so it cannot be told
  /// whether it runs a loop; ask again later. Error: it cannot be looked at.
  /// `is_known`: a thread of this kind that waits in epoll is a loop, without proof.
  static Result<std::unique_ptr<ProcfsSource>> attach(int pid, int tid, LoopInfo info,
                                                      bool is_known);

  Result<LoopSample> sample(Nanos now) override;
  const LoopInfo& info() const override { return info_; }
  Standing standing() const override { return proof_.standing(); }
  std::string doubt() const override { return proof_.reason(counters_.tid()); }
  std::string limitation() const override;

 private:
  ProcfsSource(ThreadCounters counters, LoopInfo info, const ThreadLook& look, bool is_known);
  ProcfsSource(const ProcfsSource&) = delete;
  ProcfsSource& operator=(const ProcfsSource&) = delete;

  static Result<ThreadLook> look_at(ThreadCounters& counters);
  bool is_own_wait(const SyscallState& syscall, Nanos now);
  bool is_stopped(const ThreadLook& look, Nanos now);
  Result<void> follow(const ThreadLook& look, bool waits, LoopSample& sample);
  void prove(const ThreadLook& look, bool waits, Nanos now);
  void ask_siblings(Nanos now);

  ThreadCounters counters_;
  LoopInfo info_;
  PollEvidence evidence_;
  LoopProof proof_;

  std::uint64_t epoll_fd_;
  std::uint64_t wait_sp_;  ///< stack pointer in the loop's own wait
  Nanos last_own_wait_{0};
  ThreadLook last_;
  bool waited_ = true;
  std::uint64_t iteration_ = 0;
  StopDetector stop_;
  bool stopped_ = false;
  Nanos next_state_look_{0};
};

}  // namespace loopscope
