#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "target/memory_map.h"

namespace loopscope {

/// The ways to the file behind a mapping of another process, best first.
enum class MappedFileWay : std::uint8_t {
  /// /proc/PID/map_files: also for deleted files. The kernel allows it to CAP_CHECKPOINT_RESTORE
  /// and CAP_SYS_ADMIN of the first user namespace alone, so not in containers.
  kMapFiles,
  kExecutable,     ///< /proc/PID/exe, if the mapping's path is where that leads
  kProcessRoot,    ///< the path, below /proc/PID/root
  kOwnRoot,        ///< the path, below the own root
  kNamespaceRoot,  ///< the path, below the root of the process's mount namespace
};

inline constexpr std::array kMappedFileWays = {MappedFileWay::kMapFiles, MappedFileWay::kExecutable,
                                               MappedFileWay::kProcessRoot, MappedFileWay::kOwnRoot,
                                               MappedFileWay::kNamespaceRoot};

/// A regular file that may be the one behind a mapping.
struct FileCandidate {
  UniqueFd file;
  /// As sure as it can be without a look at what is mapped: the kernel led to it, or device and
  /// inode are the mapping's. On overlayfs a file that has been written to since is another one
  /// for all that.
  bool is_likely = false;
};

/// Follows one way. Absent with errno set: it leads nowhere (ENOENT: not even to a file of that
/// name). No symbolic link is followed: the paths in a maps file have none, so one that stands
/// there was put there since. Never blocks and never opens a device.
std::optional<FileCandidate> find_mapped_file(MappedFileWay way, int pid, const Mapping& mapping);

}  // namespace loopscope
