#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loopscope {

/// Whether the cgroup of a process is frozen: cgroup.events of version 2, freezer.state of
/// version 1; both tell of groups above, too. The thread's state letter does not: it is S
/// in version 2 and D in version 1, as of one that sleeps (Linux 6.18). Stays with the group
/// that the process had when opened. A reading is one or two preads. Not thread-safe.
class CgroupFreezer {
 public:
  /// Error: no group that could be frozen is visible, and what would show it.
  static Result<CgroupFreezer> open(int pid);

  /// False also once the group has been removed.
  bool is_frozen() const;

 private:
  CgroupFreezer() = default;

  std::vector<UniqueFd> files_;
};

/// Text of cgroup.events or of freezer.state.
bool parse_frozen(std::string_view text);

}  // namespace loopscope
