#pragma once

#include "target/memory_reader.h"

namespace loopscope {

/// Memory of another process, read by process_vm_readv: no stop, no signal, no write.
/// Needs ptrace access (PTRACE_MODE_ATTACH). Holds no resource; the pid may be reused by
/// another process, so callers check its ProcessId.
class RemoteMemory final : public MemoryReader {
 public:
  explicit RemoteMemory(int pid) : pid_(pid) {}

  int pid() const { return pid_; }
  Result<void> read(std::uint64_t address, std::span<std::byte> destination) const override;
  /// One system call, no allocation.
  bool read_many(std::span<const RemoteRead> pieces) const override;
  std::size_t read_some(std::uint64_t address, std::span<std::byte> destination) const override;

 private:
  int pid_;
};

/// What an errno of a ptrace-checked read of `pid` means and what would allow it, as in
/// "cannot read memory of pid 42: not permitted; run as the same user ...".
Error ptrace_access_error(int pid, const char* what, int error_number);

}  // namespace loopscope
