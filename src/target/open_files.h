#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.h"

namespace loopscope {

/// What one descriptor of a process stands for.
struct OpenFile {
  int fd = -1;
  std::uint64_t socket_inode = 0;  ///< 0: no socket
  bool is_epoll = false;
};

/// Calls visit for the descriptors of `pid`, ascending, until it returns false or
/// kMaxOpenFiles have been seen: listening sockets and epoll descriptors are made early and
/// so have low numbers, also beside 50,000 connections.
/// Needs ptrace access (PTRACE_MODE_READ).
inline constexpr int kMaxOpenFiles = 1024;
Result<void> visit_open_files(int pid, const std::function<bool(const OpenFile&)>& visit);

/// One descriptor; is_epoll false if it is closed.
OpenFile look_at_open_file(int pid, int fd);

}  // namespace loopscope
