#include "target/process_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "target/proc_file.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxStatus = 65536;

/// Who a process is to file systems.
struct FileUser {
  std::uint64_t uid = 0;
  std::vector<std::uint64_t> groups;
};

std::vector<std::uint64_t> numbers_after(std::string_view status, std::string_view key) {
  std::vector<std::uint64_t> numbers;
  std::size_t at = status.find(key);
  if (at == std::string_view::npos) return numbers;
  at += key.size();
  std::string line(status.substr(at, status.find('\n', at) - at));
  std::replace(line.begin(), line.end(), '\t', ' ');
  std::string_view rest = line;
  for (std::uint64_t number = 0; take_number(rest, number);) numbers.push_back(number);
  return numbers;
}

std::optional<FileUser> file_user_of(int pid) {
  const auto status = read_proc_file("/proc/" + std::to_string(pid) + "/status", kMaxStatus);
  if (!status) return std::nullopt;
  // Real, effective, saved, file system.
  const auto uids = numbers_after(*status, "\nUid:");
  const auto gids = numbers_after(*status, "\nGid:");
  if (uids.size() != 4 || gids.size() != 4) return std::nullopt;
  FileUser user{uids[3], numbers_after(*status, "\nGroups:")};
  user.groups.push_back(gids[3]);
  return user;
}

bool may_read(const FileUser& user, const struct stat& file) {
  if (user.uid == 0) return true;
  if (user.uid == file.st_uid) return (file.st_mode & S_IRUSR) != 0;
  const bool in_group =
      std::find(user.groups.begin(), user.groups.end(), file.st_gid) != user.groups.end();
  return (file.st_mode & (in_group ? S_IRGRP : S_IROTH)) != 0;
}

}  // namespace

Result<UniqueFd> open_process_file(int pid, const std::string& path) {
  if (!path.starts_with('/')) return Error{path + " is no absolute path"};
  const std::string root_path = "/proc/" + std::to_string(pid) + "/root";
  const UniqueFd root(::open(root_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return Error{"cannot open " + root_path + ": " + errno_text(errno)};
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const UniqueFd place(
      static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  if (!place.valid()) return Error{"cannot open " + path + ": " + errno_text(errno)};
  struct stat status {};
  if (::fstat(place.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Error{path + " is no regular file"};
  }
  const auto user = file_user_of(pid);
  if (!user || !may_read(*user, status)) {
    return Error{"pid " + std::to_string(pid) + " may not read " + path};
  }
  const std::string self = "/proc/self/fd/" + std::to_string(place.get());
  UniqueFd file(::open(self.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.valid()) return Error{"cannot open " + path + ": " + errno_text(errno)};
  return file;
}

}  // namespace loopscope
