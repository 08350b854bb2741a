#include "target/open_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <string>

#include "target/proc_file.h"
#include "target/remote_memory.h"

namespace loopscope {
namespace {

OpenFile read_link(int directory, int fd, const char* name) {
  OpenFile file;
  file.fd = fd;
  std::array<char, 64> target{};  // longer ones are neither sockets nor epoll
  const ssize_t length = ::readlinkat(directory, name, target.data(), target.size());
  if (length <= 0) return file;
  std::string_view link(target.data(), static_cast<std::size_t>(length));
  constexpr std::string_view kSocket = "socket:[";
  if (link.starts_with(kSocket)) {
    link.remove_prefix(kSocket.size());
    take_number(link, file.socket_inode);
  }
  file.is_epoll = link == "anon_inode:[eventpoll]";
  return file;
}

}  // namespace

Result<void> visit_open_files(int pid, const std::function<bool(const OpenFile&)>& visit) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (!directory) {
    return ptrace_access_error(pid, "the descriptors", errno == ENOENT ? ESRCH : errno);
  }
  int seen = 0;
  // readdir is safe here: no other thread sees this DIR.
  while (const dirent* entry = ::readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe)
    std::string_view name = entry->d_name;
    std::uint64_t fd = 0;
    if (!take_number(name, fd) || fd > INT_MAX) continue;
    if (!visit(read_link(::dirfd(directory.get()), static_cast<int>(fd), entry->d_name))) break;
    if (++seen == kMaxOpenFiles) break;
  }
  return {};
}

OpenFile look_at_open_file(int pid, int fd) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
  return read_link(AT_FDCWD, fd, path.c_str());
}

}  // namespace loopscope
