#include "culprit/blocked_call.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdint>
#include <string_view>

#include "base/kept_end.h"
#include "culprit/syscall_name.h"
#include "target/proc_file.h"

namespace loopscope {
namespace {

constexpr std::size_t kLongestObject = 256;
constexpr std::string_view kEllipsis = "...";

/// What the first argument that matters is.
enum class Operand : std::uint8_t { kNone, kDescriptor, kPath, kPathAt, kChild, kFutex };

Operand operand_of(std::int64_t number) {
  switch (number) {
#if defined(__x86_64__)
    case SYS_open:
    case SYS_creat:
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
    case SYS_readlink:
    case SYS_rename:
    case SYS_mkdir:
    case SYS_rmdir:
    case SYS_unlink:
    case SYS_chmod:
    case SYS_chown:
      return Operand::kPath;
    case SYS_getdents:
      return Operand::kDescriptor;
#endif
    case SYS_truncate:
    case SYS_statfs:
    case SYS_execve:
    case SYS_chdir:
      return Operand::kPath;
    case SYS_openat:
    case SYS_openat2:
    case SYS_statx:
    case SYS_newfstatat:
    case SYS_faccessat:
    case SYS_faccessat2:
    case SYS_readlinkat:
    case SYS_renameat2:
    case SYS_unlinkat:
    case SYS_mkdirat:
    case SYS_fchmodat:
    case SYS_fchownat:
    case SYS_utimensat:
      return Operand::kPathAt;
    case SYS_read:
    case SYS_write:
    case SYS_pread64:
    case SYS_pwrite64:
    case SYS_readv:
    case SYS_writev:
    case SYS_preadv:
    case SYS_pwritev:
    case SYS_preadv2:
    case SYS_pwritev2:
    case SYS_close:
    case SYS_lseek:
    case SYS_ioctl:
    case SYS_fcntl:
    case SYS_flock:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_syncfs:
    case SYS_sync_file_range:
    case SYS_ftruncate:
    case SYS_fallocate:
    case SYS_getdents64:
    case SYS_fstat:
    case SYS_fstatfs:
    case SYS_fchmod:
    case SYS_fchown:
    case SYS_splice:
    case SYS_copy_file_range:
    case SYS_readahead:
    case SYS_fadvise64:
    case SYS_accept:
    case SYS_accept4:
    case SYS_connect:
    case SYS_shutdown:
    case SYS_sendto:
    case SYS_recvfrom:
    case SYS_sendmsg:
    case SYS_recvmsg:
    case SYS_sendmmsg:
    case SYS_recvmmsg:
    case SYS_sendfile:
      return Operand::kDescriptor;
    case SYS_wait4:
    case SYS_waitid:
      return Operand::kChild;
    case SYS_futex:
      return Operand::kFutex;
    default:
      return Operand::kNone;
  }
}

bool is_utf8_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// Fit to be shown on one line.
std::string clean(std::string_view text) {
  std::size_t shown = text.size();
  if (shown > kLongestObject) {
    shown = kLongestObject - kEllipsis.size();
    while (shown > 0 && is_utf8_continuation(text[shown])) --shown;
  }
  std::string out(text.substr(0, shown));
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  if (shown < text.size()) out += kEllipsis;
  return out;
}

void set_path(std::string_view path, BlockedCall& call) {
  call.relation = "of";
  call.object = clean(kept_end(path, kLongestObject));
  call.is_file = true;
}

void describe_descriptor(int pid, int tid, std::uint64_t fd, BlockedCall& call) {
  if (fd > INT_MAX) return;
  const std::string link =
      "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/fd/" + std::to_string(fd);
  std::array<char, PATH_MAX> buffer{};
  const ssize_t length = ::readlink(link.c_str(), buffer.data(), buffer.size());
  if (length <= 0) return;
  std::string_view target(buffer.data(), static_cast<std::size_t>(length));
  if (target.starts_with('/')) {
    set_path(target, call);
    return;
  }
  call.relation = "of";
  constexpr std::string_view kAnonymous = "anon_inode:";
  if (target.starts_with("socket:")) {
    call.object = "a socket";
  } else if (target.starts_with("pipe:")) {
    call.object = "a pipe";
  } else if (target.starts_with(kAnonymous)) {
    target.remove_prefix(kAnonymous.size());
    call.object = clean(target);
  } else {
    call.relation.clear();
  }
}

void describe_path(std::uint64_t address, const MemoryReader& memory, BlockedCall& call) {
  constexpr std::size_t kLongestPath = 4096;  // PATH_MAX
  std::array<std::byte, kLongestPath> buffer{};
  const std::size_t got = memory.read_some(address, buffer);
  const auto* const end = std::find(buffer.data(), buffer.data() + got, std::byte{0});
  const auto length = static_cast<std::size_t>(end - buffer.data());
  const std::string_view path(reinterpret_cast<const char*>(buffer.data()), length);
  if (path.empty()) return;
  // Without an end in sight it is the beginning of a longer one.
  set_path(length < got ? std::string(path) : std::string(path) + std::string(kEllipsis), call);
}

/// Asleep, but not in a system call.
BlockedCall outside_calls(int pid, int tid) {
  BlockedCall call;
  const auto where = read_proc_file(
      "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/wchan", kLongestObject);
  // "0": the kernel does not tell.
  const std::string function = where && *where != "0" ? clean(*where) : "";
  // Names of Linux 5.10 to 6.18: do_page_fault's callees that sleep.
  const bool is_fault = function.find("fault") != std::string::npos ||
                        function.find("folio_wait") != std::string::npos ||
                        function.find("wait_on_page") != std::string::npos ||
                        function.find("lock_page") != std::string::npos;
  call.name = is_fault ? "page fault" : "kernel sleep";
  call.object = function;
  if (!function.empty()) call.relation = "in";
  return call;
}

}  // namespace

std::string BlockedCall::text() const {
  std::string out = name;
  if (!relation.empty()) out += " " + relation;
  if (!object.empty()) out += " " + object;
  return out;
}

StackFrame BlockedCall::frame() const {
  StackFrame frame;
  frame.kind = "kernel";
  frame.function = name;
  if (is_file) frame.file = object;
  return frame;
}

std::optional<BlockedCall> describe_blocked_call(int pid, int tid, const SyscallState& state,
                                                 const MemoryReader& memory) {
  if (state.running) return std::nullopt;
  if (state.number < 0) return outside_calls(pid, tid);
  BlockedCall call;
  call.name = syscall_name(state.number);
  switch (operand_of(state.number)) {
    case Operand::kNone:
      break;
    case Operand::kDescriptor:
      describe_descriptor(pid, tid, state.args[0], call);
      break;
    case Operand::kPath:
      describe_path(state.args[0], memory, call);
      break;
    case Operand::kPathAt:
      describe_path(state.args[1], memory, call);
      break;
    case Operand::kChild:
      call.relation = "for";
      call.object = "a child";
      break;
    case Operand::kFutex:
      call.relation = "wait";
      break;
  }
  return call;
}

}  // namespace loopscope
