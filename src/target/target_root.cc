#include "target/target_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>

#include "target/proc_file.h"

namespace loopscope {
namespace {

std::string link_target(const std::string& link) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : "";
}

/// glibc has no function for it yet.
int open_beneath(int directory, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how));
}

}  // namespace

Result<TargetRoot> TargetRoot::open(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/root";
  UniqueFd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return Error{"cannot open " + path + ": " + errno_text(errno)};
  return TargetRoot(pid, std::move(directory));
}

std::optional<std::string> TargetRoot::read_file(const std::string& path, std::size_t cap) const {
  const UniqueFd file(open_beneath(directory_.get(), path));
  if (!file.valid()) return std::nullopt;
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if (status.st_size < 0 || static_cast<std::uint64_t>(status.st_size) > cap) return std::nullopt;
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < content.size()) {
    const ssize_t got = ::read(file.get(), content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  content.resize(filled);
  return content;
}

std::optional<std::string> TargetRoot::working_directory() const {
  const std::string process = "/proc/" + std::to_string(pid_);
  std::string directory = link_target(process + "/cwd");
  if (!directory.starts_with('/') || directory.ends_with(" (deleted)")) return std::nullopt;
  // Of a chroot() the kernel tells where it is on this side; inside of other mounts it does not.
  const std::string root = link_target(process + "/root");
  if (root.size() > 1 && directory.starts_with(root) &&
      (directory.size() == root.size() || directory[root.size()] == '/')) {
    directory.erase(0, root.size());
    if (directory.empty()) directory = "/";
  }
  return directory;
}

}  // namespace loopscope
