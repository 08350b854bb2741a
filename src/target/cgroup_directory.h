#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loopscope {

/// The control groups of a process (/proc/PID/cgroup). Paths are as the reader's cgroup
/// namespace shows them: those outside of it begin with "/..".
struct CgroupMembership {
  struct Version1 {
    std::string controllers;  ///< "cpu,cpuacct"
    std::string path;
  };
  std::vector<Version1> version1;
  std::optional<std::string> version2;
};

/// One mounted cgroup hierarchy, or a part of one (/proc/PID/mountinfo).
struct CgroupMount {
  std::string root;  ///< the group that is mounted, in the same words as in /proc/PID/cgroup
  std::string mount_point;
  bool is_version2 = false;
  std::string options;  ///< of the superblock; version 1: with the controllers
};

/// Where a group can be read.
struct CgroupDirectory {
  std::string path;
  std::string mount_point;  ///< a prefix of path: the topmost group that can be read
  bool is_version2 = false;
};

/// The text of /proc/PID/cgroup, which changes when the process moves.
Result<std::string> read_cgroup_membership(int pid);

/// Lines that are not understood are left out.
CgroupMembership parse_cgroup_membership(std::string_view text);
std::vector<CgroupMount> parse_cgroup_mounts(std::string_view mountinfo);

/// The directory of the group in one of the mounts; absent if none shows it.
std::optional<CgroupDirectory> directory_of_group(std::string_view group, bool is_version2,
                                                  std::string_view controller,
                                                  const std::vector<CgroupMount>& mounts);

/// Directories of the group of `pid` that may have the files of `controller`: version 1
/// first if the controller is there, then version 2. Looks in the mounts of this process,
/// then in those of `pid`. Each is on a cgroup file system; whether a file is in it the
/// caller sees. Error: none can be found, and why.
Result<std::vector<CgroupDirectory>> find_cgroup_directories(int pid, std::string_view controller);

}  // namespace loopscope
