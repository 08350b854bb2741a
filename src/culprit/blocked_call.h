#pragma once

#include <optional>
#include <string>

#include "loopscope/stall_record.h"
#include "target/memory_reader.h"
#include "target/thread_counters.h"

namespace loopscope {

/// What a sleeping thread sleeps in. Of a call's arguments only the path of a file that it
/// opens, or of the file behind a descriptor, is told; never what a call reads or writes, nor
/// to whom a socket is connected.
struct BlockedCall {
  std::string name;      ///< "read"; outside any call "page fault" or "kernel sleep"
  std::string relation;  ///< between name and object: "of", "for", "in"; "wait" stands alone
  std::string object;    ///< "/tmp/fifo", "a socket", "a child", a kernel function; may be empty
  bool is_file = false;  ///< object is a path

  /// "read of /tmp/fifo", "wait4 for a child", "futex wait".
  std::string text() const;
  /// For the top of a stack: kind "kernel", the name, and the path if there is one.
  StackFrame frame() const;
};

/// Describes what thread `tid` of `pid` sleeps in, as of `state`. Absent while it runs.
/// Reads one link or one file of /proc and at most 256 bytes of `memory` (a path); what
/// cannot be read is left out. All text is cut after 256 bytes, control characters replaced.
std::optional<BlockedCall> describe_blocked_call(int pid, int tid, const SyscallState& state,
                                                 const MemoryReader& memory);

}  // namespace loopscope
