#include "target/remote_memory.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string>

#include "target/proc_file.h"

namespace loopscope {
namespace {

/// process_vm_readv wants remote addresses as pointers; they are never dereferenced here.
void* as_remote_pointer(std::uint64_t address) {
  return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr)
}

std::string hex(std::uint64_t value) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(value));
  return text.data();
}

}  // namespace

Error ptrace_access_error(int pid, const char* what, int error_number) {
  std::string message =
      std::string("cannot read ") + what + " of pid " + std::to_string(pid) + ": ";
  switch (error_number) {
    case EPERM:
    case EACCES: {
      message +=
          "not permitted; run as the same user, as an ancestor of the process, or with "
          "CAP_SYS_PTRACE";
      auto scope = read_proc_file("/proc/sys/kernel/yama/ptrace_scope", 16);
      if (scope && !scope->empty() && scope->front() != '0') {
        message += std::string(" (kernel.yama.ptrace_scope is ") + scope->front() + ")";
      }
      return Error{message};
    }
    case ESRCH:
      return Error{message + "it has ended"};
    case ENOSYS:
      return Error{message + "this kernel or its seccomp filter does not offer it"};
    default:
      return Error{message + errno_text(error_number)};
  }
}

Result<void> RemoteMemory::read(std::uint64_t address, std::span<std::byte> destination) const {
  errno = 0;
  const std::size_t got = read_some(address, destination);
  if (got == destination.size()) return {};
  const int cause = got == 0 ? errno : EFAULT;
  if (cause == EFAULT || cause == 0) {
    return Error{"cannot read memory of pid " + std::to_string(pid_) + ": " + hex(address + got) +
                 " is not mapped"};
  }
  return ptrace_access_error(pid_, "memory", cause);
}

bool RemoteMemory::read_many(std::span<const RemoteRead> pieces) const {
  if (pieces.size() > kMaxPieces) return false;
  std::array<iovec, kMaxPieces> local;
  std::array<iovec, kMaxPieces> remote;
  std::size_t total = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    local[i] = {pieces[i].destination, pieces[i].size};
    remote[i] = {as_remote_pointer(pieces[i].address), pieces[i].size};
    total += pieces[i].size;
  }
  const ssize_t got =
      ::process_vm_readv(pid_, local.data(), pieces.size(), remote.data(), pieces.size(), 0);
  return got >= 0 && static_cast<std::size_t>(got) == total;
}

std::size_t RemoteMemory::read_some(std::uint64_t address, std::span<std::byte> destination) const {
  constexpr std::uint64_t kPage = 4096;
  std::size_t done = 0;
  // The kernel's partial answers end at iovec borders, so a read that runs into a hole is
  // repeated page by page.
  const iovec whole_local{destination.data(), destination.size()};
  const iovec whole_remote{as_remote_pointer(address), destination.size()};
  const ssize_t all = ::process_vm_readv(pid_, &whole_local, 1, &whole_remote, 1, 0);
  if (all >= 0) done = static_cast<std::size_t>(all);
  if (all < 0 && errno != EFAULT) return 0;
  while (done < destination.size()) {
    const std::uint64_t at = address + done;
    const std::size_t step = std::min<std::size_t>(destination.size() - done, kPage - (at % kPage));
    const iovec local{destination.data() + done, step};
    const iovec remote{as_remote_pointer(at), step};
    const ssize_t got = ::process_vm_readv(pid_, &local, 1, &remote, 1, 0);
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
    if (static_cast<std::size_t>(got) < step) break;
  }
  return done;
}

}  // namespace loopscope
