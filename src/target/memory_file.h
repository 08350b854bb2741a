#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/unique_fd.h"

namespace loopscope {

/// /proc/PID/mem, opened for a few reads: what it stands for is the memory that the process had
/// when it was opened, also after an exec, so it is not kept.
class MemoryFile {
 public:
  /// Sets errno where it fails; read() then gives nothing.
  explicit MemoryFile(int pid);

  bool valid() const { return file_.valid(); }
  /// As many bytes as are readable; where that is none, errno is EFAULT for memory that is not
  /// mapped and ESRCH for a process that has ended.
  std::size_t read_some(std::uint64_t address, std::span<std::byte> destination) const;

 private:
  UniqueFd file_;
};

}  // namespace loopscope
