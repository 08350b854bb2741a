#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace loopscope {

/// Thread ids of a process in Loopscope's PID namespace, ascending; the main thread's is
/// the pid. At most 4096 (more threads are left out).
Result<std::vector<int>> list_threads(int pid);

/// The id a thread has in its own, innermost PID namespace (gettid() inside the target).
Result<int> ns_tid(int pid, int tid);

/// Name of a thread (/proc/PID/task/TID/comm), control characters replaced by '?'.
Result<std::string> thread_name(int pid, int tid);

/// Name of a process for people: its comm, or, where the runtime has renamed its main
/// thread to something general (Node >= 22 says "MainThread"), its executable's base name.
Result<std::string> process_name(int pid);

/// Path of the executable as its mount namespace sees it; " (deleted)" is cut off.
Result<std::string> executable_path(int pid);

/// Arguments joined by blanks, at most 4096 bytes; empty for kernel threads.
Result<std::string> command_line(int pid);

}  // namespace loopscope
