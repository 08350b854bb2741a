#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sources/procfs/return_counter.h"
#include "sources/procfs/thread_look.h"
#include "target/thread_counters.h"

namespace loopscope {

/// Tells whether a busy thread can have polled between two looks.
///
/// Linux does not count a thread's system calls, and a thread that finds its epoll ready
/// does not sleep there, so "seen running at every look" proves nothing.
///
///  1. A thread that has not run since the look before has not polled.
///  2. In the first milliseconds of a busy period, counted reads and writes (/proc/.../io)
///     and sleeps (voluntary context switches) are taken for signs of a poll. They can come
///     from inside one callback as well (a file read, a lock); and a loop that uses only
///     recv and send, which the kernel does not count, shows no sign. Either way no more
///     than these milliseconds are misjudged.
///  3. After that, returns from the loop's own epoll call are counted (ReturnCounter).
///     No return: no poll, whatever else the thread does. A return: the loop turns; for a
///     while then each look counts as a turn, so that a saturated loop is seldom bothered.
///
/// Without permission for 3 the signs of 2 have to serve. Where a loop does counted I/O
/// whenever it wakes up (nginx, redis, Node, Deno do; Bun and asyncio use recv and send), no
/// sign means no poll. A sign, or a loop that shows none, means that nobody can tell, unless
/// the thread sleeps. limitation() says so.
class PollEvidence {
 public:
  /// `counters` must outlive this. `wait`: the thread in its own epoll wait.
  PollEvidence(ThreadCounters& counters, const ThreadLook& wait);

  /// Why busy periods of computing may go unseen; empty: they do not.
  const std::string& limitation() const { return limitation_; }

  /// The thread waits in its own epoll call and has run since the look before.
  Result<void> observe_wait(const ThreadLook& look);
  /// A busy period begins.
  Result<void> begin(Nanos now);
  /// Whether the thread can have polled since the look before, which was a busy one.
  enum class Answer : std::uint8_t { kNo, kYes, kUnknown };
  Result<Answer> has_polled(const ThreadLook& before, const ThreadLook& look, Nanos now);

 private:
  Result<bool> has_signs(const ThreadLook& before, const ThreadLook& look);
  void add_counter(std::uint64_t address);
  void start_counting();
  void stop_counting();
  /// Sum over the counters; absent if one fails.
  std::optional<std::uint64_t> returns() const;

  ThreadCounters& counters_;
  std::string limitation_;
  std::vector<ReturnCounter> return_counters_;  ///< one for each place the loop waits at
  bool counting_ = false;
  std::optional<std::uint64_t> returns_;
  Nanos busy_since_{0};
  Nanos turning_until_{0};

  IoCounters io_;
  std::uint64_t sleeps_ = 0;
  IoCounters io_at_wait_;
  double counted_share_ = 0;  ///< of the last wake-ups: those that did counted I/O
};

}  // namespace loopscope
