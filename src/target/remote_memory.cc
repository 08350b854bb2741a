#include "target/remote_memory.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>

#include "target/access_refusal.h"
#include "target/memory_file.h"
#include "target/proc_file.h"

namespace loopscope {
namespace {

/// Whether process_vm_readv is refused to this process altogether. Learned from its first refusal.
std::atomic<bool> by_file{false};

bool is_refusal(int error_number) {
  return error_number == EPERM || error_number == EACCES || error_number == ENOSYS;
}

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

Error ptrace_access_error(int pid, const char* what, int error_number, bool attaches) {
  std::string message =
      std::string("cannot read ") + what + " of pid " + std::to_string(pid) + ": ";
  switch (error_number) {
    case EPERM:
    case EACCES:
      return Error{message + "not permitted; " + explain_refusal(read_access_facts(pid, attaches))};
    case ESRCH:
      return Error{message + "it has ended"};
    case EMFILE:
    case ENFILE:
      return Error{message + errno_text(error_number) +
                   "; raise the limit of Loopscope (ulimit -n)"};
    case ENOSYS:
      return Error{message + "this kernel or its seccomp filter does not offer it"};
    default:
      return Error{message + errno_text(error_number)};
  }
}

bool RemoteMemory::reads_by_file() {
  if (by_file.load(std::memory_order_relaxed)) return true;
  // Of oneself it is always allowed, so what refuses is a filter, which stays.
  std::byte from{};
  std::byte into{};
  const iovec local{&into, 1};
  const iovec remote{&from, 1};
  const int before = errno;
  const ssize_t got = ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0);
  if (got < 0 && is_refusal(errno)) by_file.store(true, std::memory_order_relaxed);
  errno = before;
  return by_file.load(std::memory_order_relaxed);
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
  Error error = ptrace_access_error(pid_, "memory", cause, true);
  if (cause != ESRCH && by_file.load(std::memory_order_relaxed)) {
    error.message +=
        "; process_vm_readv, which does not need that file, is refused by a system "
        "call filter (seccomp)";
  }
  return error;
}

bool RemoteMemory::read_many(std::span<const RemoteRead> pieces) const {
  if (pieces.size() > kMaxPieces) return false;
  if (by_file.load(std::memory_order_relaxed)) return read_many_by_file(pieces);
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
  if (got < 0 && is_refusal(errno) && reads_by_file()) return read_many_by_file(pieces);
  return got >= 0 && static_cast<std::size_t>(got) == total;
}

bool RemoteMemory::read_many_by_file(std::span<const RemoteRead> pieces) const {
  const MemoryFile file(pid_);
  return file.valid() && std::all_of(pieces.begin(), pieces.end(), [&](const RemoteRead& piece) {
           const std::span out(static_cast<std::byte*>(piece.destination), piece.size);
           return file.read_some(piece.address, out) == piece.size;
         });
}

std::size_t RemoteMemory::read_some(std::uint64_t address, std::span<std::byte> destination) const {
  if (by_file.load(std::memory_order_relaxed)) return read_some_by_file(address, destination);
  constexpr std::uint64_t kPage = 4096;
  std::size_t done = 0;
  // The kernel's partial answers end at iovec borders, so a read that runs into a hole is
  // repeated page by page.
  const iovec whole_local{destination.data(), destination.size()};
  const iovec whole_remote{as_remote_pointer(address), destination.size()};
  const ssize_t all = ::process_vm_readv(pid_, &whole_local, 1, &whole_remote, 1, 0);
  if (all >= 0) done = static_cast<std::size_t>(all);
  if (all < 0 && is_refusal(errno) && reads_by_file()) {
    return read_some_by_file(address, destination);
  }
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

std::size_t RemoteMemory::read_some_by_file(std::uint64_t address,
                                            std::span<std::byte> destination) const {
  const MemoryFile file(pid_);
  return file.valid() ? file.read_some(address, destination) : 0;
}

}  // namespace loopscope
