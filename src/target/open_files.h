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

using OpenFileVisitor = std::function<bool(const OpenFile&)>;

/// Calls visit for the descriptors of `pid`, ascending, until it returns false or
/// kMaxOpenFiles have been seen: listening sockets and epoll descriptors are made early and
/// so have low numbers, also beside 50,000 connections.
/// Needs ptrace access (PTRACE_MODE_READ).
inline constexpr int kMaxOpenFiles = 1024;
Result<void> visit_open_files(int pid, const OpenFileVisitor& visit);

/// The same by /proc/PID/fdinfo, which CAP_SYS_PTRACE alone opens (Linux 5.14), where
/// /proc/PID/fd is closed to all but the owner and those who may override file permissions.
/// Fails beyond kMaxOpenFiles: to tell of an epoll descriptor the kernel locks it and writes a
/// line for each descriptor in it.
Result<void> visit_open_files_by_info(int pid, const OpenFileVisitor& visit);

/// What the text of /proc/PID/fdinfo/N tells. A socket is known by the file system it is on,
/// which the kernel mounts once: `socket_mount` is its mnt_id.
OpenFile parse_file_info(int fd, std::string_view text, std::uint64_t socket_mount);

/// One descriptor; is_epoll false if it is closed.
OpenFile look_at_open_file(int pid, int fd);

}  // namespace loopscope
