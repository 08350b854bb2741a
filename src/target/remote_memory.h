#pragma once

#include "target/memory_reader.h"

namespace loopscope {

/// Memory of another process, read by process_vm_readv, or by /proc/PID/mem where a system call
/// filter refuses that: no stop, no signal, no write. Needs ptrace access (PTRACE_MODE_ATTACH).
/// Holds no resource; the pid may be reused by another process, so callers check its ProcessId.
class RemoteMemory final : public MemoryReader {
 public:
  explicit RemoteMemory(int pid) : pid_(pid) {}

  int pid() const { return pid_; }
  Result<void> read(std::uint64_t address, std::span<std::byte> destination) const override;
  /// One system call, no allocation; by /proc/PID/mem three times as dear.
  bool read_many(std::span<const RemoteRead> pieces) const override;
  std::size_t read_some(std::uint64_t address, std::span<std::byte> destination) const override;

  /// Whether process_vm_readv is refused to this process, so that /proc/PID/mem has to serve.
  static bool reads_by_file();

 private:
  bool read_many_by_file(std::span<const RemoteRead> pieces) const;
  std::size_t read_some_by_file(std::uint64_t address, std::span<std::byte> destination) const;

  int pid_;
};

/// What an errno of a ptrace-checked read of `pid` means and what would allow it, as in
/// "cannot read memory of pid 42: not permitted; run as its user (uid 0) or ...". `attaches`:
/// what was asked for is PTRACE_MODE_ATTACH, of which Yama allows less.
Error ptrace_access_error(int pid, const char* what, int error_number, bool attaches = false);

}  // namespace loopscope
