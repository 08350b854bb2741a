#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace loopscope {

/// Identifies a network namespace while it lives: device and inode of a file in
/// /proc/PID/net. Each namespace has its own files there, and unlike /proc/PID/ns/net they
/// may be looked up without ptrace access to the process (measured on Linux 6.18).
struct NetnsId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  auto operator<=>(const NetnsId&) const = default;
};

/// The network namespace of a process. Error when the process is gone or hidden.
Result<NetnsId> netns_of(int pid);
Result<NetnsId> own_netns();

/// TcpExt counters of a network namespace since it was created.
struct ListenCounters {
  std::uint64_t overflows = 0;  ///< ListenOverflows: the accept queue was full
  std::uint64_t drops = 0;      ///< ListenDrops: any reason, overflows included
};

/// Reads /proc/PID/net/netstat; any process of the namespace will do.
Result<ListenCounters> read_listen_counters(int pid);

/// Parses the text of a netstat file: pairs of lines, names then values. Columns are found
/// by name. Pure; any text is safe.
std::optional<ListenCounters> parse_listen_counters(std::string_view netstat);

}  // namespace loopscope
