#pragma once

#include "target/thread_counters.h"

namespace loopscope {

/// What one look at a thread through /proc shows.
struct ThreadLook {
  SyscallState syscall;
  ThreadCounters::SchedDetail sched;

  /// The thread has not run since `before`: whatever it does, it has made no progress.
  bool has_slept_since(const ThreadLook& before) const {
    return !syscall.running && syscall == before.syscall &&
           sched.timeslices == before.sched.timeslices;
  }
};

}  // namespace loopscope
