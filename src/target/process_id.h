#pragma once

#include <compare>
#include <cstdint>

#include "base/result.h"

namespace loopscope {

/// Identity of a process that survives pid reuse: the pid (as seen from Loopscope's
/// PID namespace) and the boot-relative start time the kernel gave it
/// (/proc/PID/stat field 22, clock ticks).
struct ProcessId {
  int pid = 0;
  std::uint64_t start_time = 0;
  auto operator<=>(const ProcessId&) const = default;
};

/// The process that has `pid` now. Error: there is none, it is a zombie, or it could not be
/// looked at; the message says which.
Result<ProcessId> identify(int pid);

/// Whether exactly this process still runs. A zombie (state Z or X) is dead. A look that fails
/// for another reason (no descriptor left) is no sign of death.
bool is_alive(const ProcessId& id);

}  // namespace loopscope
