#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"

namespace loopscope {

using InodeSet = std::unordered_set<std::uint32_t>;

/// Which of the wanted sockets a process holds.
struct ProcessSockets {
  enum class Access { kReadable, kDenied, kGone };
  Access access = Access::kGone;
  InodeSet inodes;     ///< the wanted inodes found, when readable
  std::string reason;  ///< when denied: why, and what would allow it
};

/// Scans /proc/PID/fd for the wanted socket inodes. Costs about 1-2 us per descriptor of
/// the process (at most 2^20 are looked at). Another uid's process is kDenied unless we
/// have ptrace access to it; by that access alone at most kMaxOpenFiles descriptors are read.
ProcessSockets find_process_sockets(int pid, const InodeSet& wanted);

/// The inode of a descriptor link "socket:[123]"; 0 for any other text. Pure.
std::uint32_t parse_socket_link(std::string_view link);

/// Owner and parent of a process, readable for everybody.
struct ProcessOwner {
  std::uint32_t uid = 0;  ///< effective
  int parent = 0;
};
Result<ProcessOwner> read_process_owner(int pid);

/// Parses /proc/PID/status. Pure; any text is safe.
Result<ProcessOwner> parse_process_owner(std::string_view status);

/// Pids of all processes with this effective uid, at most 4096.
std::vector<int> processes_of_uid(std::uint32_t uid);

}  // namespace loopscope
