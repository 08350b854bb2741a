#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loopscope {

/// Files as a process sees them: beneath its root directory, which may be a container's. Links
/// lead nowhere else. Needs ptrace access to the process.
class TargetRoot {
 public:
  static Result<TargetRoot> open(int pid);

  /// A regular file of at most `cap` bytes. Absent: there is none, it is larger, or it must not
  /// be read.
  std::optional<std::string> read_file(const std::string& path, std::size_t cap) const;
  /// The working directory, as an absolute path for read_file(). Absent: not beneath the root,
  /// deleted, or not to be known.
  std::optional<std::string> working_directory() const;

 private:
  TargetRoot(int pid, UniqueFd directory) : pid_(pid), directory_(std::move(directory)) {}

  int pid_;
  UniqueFd directory_;
};

}  // namespace loopscope
