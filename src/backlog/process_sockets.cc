#include "backlog/process_sockets.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <string_view>
#include <utility>

#include "target/open_files.h"
#include "target/proc_file.h"
#include "target/remote_memory.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxDescriptors = std::size_t{1} << 20U;
constexpr std::size_t kMaxProcesses = 4096;
constexpr std::size_t kStatusCap = 16384;

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

Directory open_directory(const std::string& path) { return {::opendir(path.c_str()), &::closedir}; }

// readdir is safe here: no other thread sees these DIRs.
const char* next_name(DIR* directory) {
  const dirent* const entry = ::readdir(directory);  // NOLINT(concurrency-mt-unsafe)
  return entry == nullptr ? nullptr : static_cast<const char*>(entry->d_name);
}

std::string_view line_value(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + key.size());
  return text.substr(0, text.find('\n'));
}

ProcessSockets denied(std::string reason) {
  ProcessSockets result;
  result.access = ProcessSockets::Access::kDenied;
  result.reason = std::move(reason);
  return result;
}

ProcessSockets find_by_info(int pid, const InodeSet& wanted) {
  ProcessSockets result;
  result.access = ProcessSockets::Access::kReadable;
  const auto visited = visit_open_files_by_info(pid, [&](const OpenFile& file) {
    const auto inode = static_cast<std::uint32_t>(file.socket_inode);
    if (inode == file.socket_inode && wanted.contains(inode)) result.inodes.insert(inode);
    return true;
  });
  return visited ? result : denied(visited.error().message);
}

}  // namespace

std::uint32_t parse_socket_link(std::string_view link) {
  constexpr std::string_view kPrefix = "socket:[";
  if (!link.starts_with(kPrefix) || !link.ends_with(']')) return 0;
  link.remove_prefix(kPrefix.size());
  std::uint64_t inode = 0;
  if (!take_number(link, inode) || link != "]" || inode > UINT32_MAX) return 0;
  return static_cast<std::uint32_t>(inode);
}

ProcessSockets find_process_sockets(int pid, const InodeSet& wanted) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd";
  const Directory directory = open_directory(path);
  if (directory == nullptr) {
    if (errno == ENOENT || errno == ESRCH) return {};
    return find_by_info(pid, wanted);
  }
  ProcessSockets result;
  result.access = ProcessSockets::Access::kReadable;
  std::array<char, 64> link{};  // longer links are no sockets
  bool any_link_read = false;
  int link_error = 0;
  std::size_t seen = 0;
  while (const char* name = next_name(directory.get())) {
    if (name[0] == '.') continue;
    if (++seen > kMaxDescriptors) break;
    const ssize_t length = ::readlinkat(::dirfd(directory.get()), name, link.data(), link.size());
    if (length < 0) {
      if (errno == EACCES || errno == EPERM) link_error = errno;
      continue;
    }
    any_link_read = true;
    const std::uint32_t inode =
        parse_socket_link(std::string_view(link.data(), static_cast<std::size_t>(length)));
    if (inode != 0 && wanted.contains(inode)) result.inodes.insert(inode);
  }
  // The directory may be listable where its links are not (a security module, lost rights).
  if (!any_link_read && link_error != 0) {
    return denied(ptrace_access_error(pid, "the descriptors", link_error).message);
  }
  return result;
}

Result<ProcessOwner> parse_process_owner(std::string_view status) {
  std::string_view uids = line_value(status, "\nUid:");
  std::string_view parents = line_value(status, "\nPPid:");
  std::uint64_t real = 0;
  std::uint64_t effective = 0;
  std::uint64_t parent = 0;
  if (!take_number(uids, real) || !take_number(uids, effective) || !take_number(parents, parent) ||
      effective > UINT32_MAX || parent > INT_MAX) {
    return Error{"it has no Uid and PPid lines"};
  }
  return ProcessOwner{static_cast<std::uint32_t>(effective), static_cast<int>(parent)};
}

Result<ProcessOwner> read_process_owner(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/status";
  const Result<std::string> status = read_proc_file(path, kStatusCap);
  if (!status) return status.error();
  Result<ProcessOwner> owner = parse_process_owner(*status);
  if (!owner) return Error{"cannot understand " + path + ": " + owner.error().message};
  return owner;
}

std::vector<int> processes_of_uid(std::uint32_t uid) {
  std::vector<int> pids;
  const Directory directory = open_directory("/proc");
  if (directory == nullptr) return pids;
  while (const char* name = next_name(directory.get())) {
    std::string_view text = name;
    std::uint64_t pid = 0;
    struct stat info {};
    if (!take_number(text, pid) || !text.empty() || pid > INT_MAX) continue;
    if (::fstatat(::dirfd(directory.get()), name, &info, 0) != 0 || info.st_uid != uid) continue;
    pids.push_back(static_cast<int>(pid));
    if (pids.size() == kMaxProcesses) break;
  }
  return pids;
}

}  // namespace loopscope
