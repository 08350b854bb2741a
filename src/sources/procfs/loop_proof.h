#pragma once

#include <string>

#include "base/clock.h"
#include "sources/loop_source.h"

namespace loopscope {

/// Tells whether a thread that waits in epoll is an event loop, or one of several that hand
/// polling to each other (Boost.Asio, tokio, gRPC and other pools): such a thread sleeps in a
/// futex while another one polls, and is not blocked then.
///
/// A loop is a thread that turns: it has come back to its own wait kTurns times, and whoever
/// looked met no other thread in a wait on the same descriptor. One such meeting, at any
/// time, refutes it for good; so does a name in common with threads that sleep in a futex all
/// the while (a pool at low load: the one that polls hands over only when several events come
/// at once). Nobody else is there to poll in a process of one thread, and of
/// some runtimes it is known what their main thread is (main_thread_is_loop()).
///
/// Siblings are asked when they would poll, that is while this thread does not: at every look
/// at a thread that sleeps in a futex or whose busy period nears the length of a stall, so that
/// no false stall is counted; else now and then, as it costs a few microseconds a thread.
/// Without any system call in it; see ProcfsSource for what feeds it.
class LoopProof {
 public:
  using Standing = LoopSource::Standing;
  static constexpr int kTurns = 5;
  /// How long a thread has to sleep in a futex to be called blocked although it might have
  /// handed its polling over.
  static constexpr Nanos kFutexPatience = std::chrono::seconds(1);

  /// `is_known`: nothing has to be proven.
  explicit LoopProof(bool is_known) : is_known_(is_known) {}

  void refute(std::string why);

  Standing standing() const;
  /// Why it is not proven, for people.
  std::string reason(int tid) const;

  /// The thread waits in its own epoll call; `turned`: it has run since the look before.
  void saw_wait(bool turned);
  /// The thread does something else; `in_futex`: it sleeps there.
  void saw_away(Nanos now, bool in_futex);
  /// Whether to ask the siblings now.
  bool wants_siblings(Nanos now) const;
  /// What they do: another thread waits on the same descriptor; there are no others.
  /// `in_pool`: see is_one_of_a_pool(); counts until the proof is made.
  void saw_siblings(Nanos now, bool shares_descriptor, bool is_alone, bool in_pool = false);

  /// The last look cannot be told from that of a thread which has handed over its polling.
  bool withholds(Nanos now) const;

 private:
  const bool is_known_;
  bool is_alone_ = false;
  std::string refuted_;  ///< why; empty: it is not
  int turns_ = 0;
  int asks_ = 0;
  int pool_asks_ = 0;  ///< in a row
  int turns_at_ask_ = -1;
  Nanos last_ask_{0};
  Nanos interval_{0};     ///< between two of the rare asks
  Nanos away_since_{0};   ///< 0: it waits
  Nanos futex_since_{0};  ///< 0: it is not in a futex
};

}  // namespace loopscope
