#pragma once

#include <cstdint>

#include "base/result.h"
#include "target/memory_map.h"
#include "target/memory_reader.h"

namespace loopscope {

/// Part of a thread's stack that holds its outer frames: addresses [low, high).
struct StackExtent {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

/// Finds where a thread's outermost frames are. The main thread's stack is the mapping
/// "[stack]"; another thread's is the mapping its stack pointer is in
/// (/proc/PID/task/TID/syscall tells it while the thread sleeps) or, while it runs, the
/// mapping at whose top glibc keeps the thread's control block with its id.
/// Error: not found (a running thread of another C library; look again later).
Result<StackExtent> find_thread_stack(int pid, int tid, const MemoryMap& map,
                                      const MemoryReader& memory);

}  // namespace loopscope
