#include "target/open_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
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

constexpr std::size_t kInfoCap = 4096;  // the lines looked for are the first

std::string info_path(const std::string& pid, int fd) {
  return "/proc/" + pid + "/fdinfo/" + std::to_string(fd);
}

std::uint64_t info_value(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  std::uint64_t value = 0;
  if (at == std::string_view::npos) return 0;
  text.remove_prefix(at + key.size());
  if (!text.starts_with('\t')) return 0;
  text.remove_prefix(1);
  take_number(text, value);
  return value;
}

/// The mnt_id of the file system that every socket is on; 0 if the kernel does not tell.
std::uint64_t mount_of_sockets() {
  static const std::uint64_t mount = [] {
    const UniqueFd own(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto text = read_proc_file(info_path("self", own.get()), kInfoCap);
    return text ? info_value(*text, "mnt_id:") : 0;
  }();
  return mount;
}

/// Calls visit(name) for the entries of `path` that are numbers. False: it cannot be opened.
bool visit_numbers(const std::string& path, int limit,
                   const std::function<bool(int directory, int fd, const char* name)>& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (!directory) return false;
  int seen = 0;
  // readdir is safe here: no other thread sees this DIR.
  while (const dirent* entry = ::readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe)
    std::string_view name = entry->d_name;
    std::uint64_t fd = 0;
    if (!take_number(name, fd) || fd > INT_MAX) continue;
    if (!visit(::dirfd(directory.get()), static_cast<int>(fd), entry->d_name)) break;
    if (++seen == limit) break;
  }
  return true;
}

OpenFile read_info(int pid, int fd) {
  const auto text = read_proc_file(info_path(std::to_string(pid), fd), kInfoCap);
  if (!text) return {fd, 0, false};
  return parse_file_info(fd, *text, mount_of_sockets());
}

}  // namespace

OpenFile parse_file_info(int fd, std::string_view text, std::uint64_t socket_mount) {
  OpenFile file;
  file.fd = fd;
  if (socket_mount != 0 && info_value(text, "\nmnt_id:") == socket_mount) {
    file.socket_inode = info_value(text, "\nino:");
  }
  file.is_epoll = text.find("\ntfd:") != std::string_view::npos;
  return file;
}

Result<void> visit_open_files_by_info(int pid, const OpenFileVisitor& visit) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fdinfo";
  std::vector<int> descriptors;
  if (!visit_numbers(path, kMaxOpenFiles + 1, [&](int, int fd, const char*) {
        descriptors.push_back(fd);
        return true;
      })) {
    return ptrace_access_error(pid, "the descriptors", errno == ENOENT ? ESRCH : errno);
  }
  if (descriptors.size() > kMaxOpenFiles) {
    return Error{"pid " + std::to_string(pid) + " has more than " + std::to_string(kMaxOpenFiles) +
                 " descriptors; to list them run as its user or with CAP_DAC_OVERRIDE"};
  }
  for (const int fd : descriptors) {
    if (!visit(read_info(pid, fd))) break;
  }
  return {};
}

Result<void> visit_open_files(int pid, const OpenFileVisitor& visit) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd";
  if (visit_numbers(path, kMaxOpenFiles, [&](int directory, int fd, const char* name) {
        return visit(read_link(directory, fd, name));
      })) {
    return {};
  }
  return visit_open_files_by_info(pid, visit);
}

OpenFile look_at_open_file(int pid, int fd) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
  if (::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) != 0 &&
      errno == EACCES) {
    return read_info(pid, fd);
  }
  return read_link(AT_FDCWD, fd, path.c_str());
}

}  // namespace loopscope
