#include "target/mapped_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <string_view>
#include <utility>

#include "target/deleted_file.h"

namespace loopscope {
namespace {

constexpr int kMaxClimb = 256;  // directories between a root and its mount namespace's

std::string place_in_proc(int pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

UniqueFd open_directory(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/// Whether stat() shows other devices on this file system than a maps file does.
bool has_other_devices(int fd) {
  struct statfs filesystem {};
  if (::fstatfs(fd, &filesystem) != 0) return false;
  const auto type = static_cast<std::uint64_t>(filesystem.f_type);
  return type == OVERLAYFS_SUPER_MAGIC || type == BTRFS_SUPER_MAGIC;
}

bool is_mapped_inode(const UniqueFd& place, const struct stat& status, const Mapping& mapping) {
  if (status.st_ino != mapping.inode) return false;
  return status.st_dev == ::makedev(mapping.dev_major, mapping.dev_minor) ||
         has_other_devices(place.get());
}

/// Opens for reading what an O_PATH descriptor stands for, if it is a regular file: devices can
/// be mapped too.
std::optional<FileCandidate> open_regular(const UniqueFd& place, const Mapping& mapping,
                                          bool is_likely) {
  struct stat status {};
  if (!place.valid() || ::fstat(place.get(), &status) != 0) return std::nullopt;
  if (!S_ISREG(status.st_mode)) {
    errno = EINVAL;
    return std::nullopt;
  }
  const std::string self = "/proc/self/fd/" + std::to_string(place.get());
  FileCandidate candidate;
  candidate.file.reset(::open(self.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!candidate.file.valid()) return std::nullopt;
  candidate.is_likely = is_likely || (!mapping.deleted && is_mapped_inode(place, status, mapping));
  return candidate;
}

/// The path below `root` component by component, for kernels and system call filters without
/// openat2().
UniqueFd walk(const UniqueFd& root, std::string_view path) {
  UniqueFd place(::fcntl(root.get(), F_DUPFD_CLOEXEC, 0));
  while (place.valid()) {
    const std::size_t begin = path.find_first_not_of('/');
    if (begin == std::string_view::npos) break;
    path.remove_prefix(begin);
    const std::string component(path.substr(0, path.find('/')));
    path.remove_prefix(component.size());
    place.reset(::openat(place.get(), component.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  }
  return place;
}

bool has_dot_component(std::string_view path) {
  const std::string whole = std::string(path) + '/';
  return whole.find("/../") != std::string::npos || whole.find("/./") != std::string::npos;
}

UniqueFd open_below(const UniqueFd& root, const std::string& path) {
  if (!root.valid()) return {};
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  UniqueFd place(
      static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  // A filter that does not know the call answers EPERM.
  if (!place.valid() && (errno == ENOSYS || errno == EPERM)) place = walk(root, path);
  return place;
}

std::optional<FileCandidate> find_below(const UniqueFd& root, const Mapping& mapping) {
  if (!root.valid()) return std::nullopt;
  if (!mapping.path.starts_with('/') || has_dot_component(mapping.path)) {
    errno = ENOENT;
    return std::nullopt;
  }
  return open_regular(open_below(root, mapping.path), mapping, false);
}

std::optional<FileCandidate> find_map_file(int pid, const Mapping& mapping) {
  std::array<char, 64> range{};
  std::snprintf(range.data(), range.size(), "map_files/%llx-%llx",
                static_cast<unsigned long long>(mapping.start),
                static_cast<unsigned long long>(mapping.end));
  const UniqueFd place(::open(place_in_proc(pid, range.data()).c_str(), O_PATH | O_CLOEXEC));
  return open_regular(place, mapping, true);
}

std::optional<FileCandidate> find_executable(int pid, const Mapping& mapping) {
  const std::string link = place_in_proc(pid, "exe");
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  if (length < 0) return std::nullopt;
  const std::string mapped = mapping.path + (mapping.deleted ? std::string(kDeletedMark) : "");
  if (std::string_view(target.data(), static_cast<std::size_t>(length)) != mapped) {
    errno = ENOENT;
    return std::nullopt;
  }
  const UniqueFd place(::open(link.c_str(), O_PATH | O_CLOEXEC));
  return open_regular(place, mapping, true);
}

bool is_same_directory(const UniqueFd& a, const UniqueFd& b) {
  struct statx first {};
  struct statx second {};
  constexpr unsigned kAsked = STATX_INO | STATX_MNT_ID;
  if (::statx(a.get(), "", AT_EMPTY_PATH, kAsked, &first) != 0 ||
      ::statx(b.get(), "", AT_EMPTY_PATH, kAsked, &second) != 0) {
    return true;  // nothing is known, so no further
  }
  return first.stx_ino == second.stx_ino && first.stx_mnt_id == second.stx_mnt_id &&
         first.stx_dev_major == second.stx_dev_major && first.stx_dev_minor == second.stx_dev_minor;
}

/// Above a chroot: its parents, up to the one that is its own.
UniqueFd namespace_root(int pid) {
  UniqueFd place = open_directory(place_in_proc(pid, "root"));
  for (int i = 0; i < kMaxClimb && place.valid(); ++i) {
    UniqueFd parent(::openat(place.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!parent.valid() || is_same_directory(place, parent)) break;
    place = std::move(parent);
  }
  return place;
}

}  // namespace

std::optional<FileCandidate> find_mapped_file(MappedFileWay way, int pid, const Mapping& mapping) {
  errno = 0;
  switch (way) {
    case MappedFileWay::kMapFiles:
      return find_map_file(pid, mapping);
    case MappedFileWay::kExecutable:
      return find_executable(pid, mapping);
    case MappedFileWay::kProcessRoot:
      return find_below(open_directory(place_in_proc(pid, "root")), mapping);
    case MappedFileWay::kOwnRoot:
      return find_below(open_directory("/"), mapping);
    case MappedFileWay::kNamespaceRoot:
      return find_below(namespace_root(pid), mapping);
  }
  return std::nullopt;
}

}  // namespace loopscope
