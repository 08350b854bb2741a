#include "target/access_refusal.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "target/proc_file.h"

namespace loopscope {
namespace {

constexpr std::size_t kStatusCap = 16384;
constexpr std::size_t kSmallFile = 4096;

/// The numbers of a line of /proc/PID/status.
std::array<std::uint64_t, 4> numbers_after(std::string_view text, std::string_view key) {
  std::array<std::uint64_t, 4> numbers{};
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return numbers;
  text.remove_prefix(at + key.size());
  text = text.substr(0, text.find('\n'));
  for (std::uint64_t& number : numbers) {
    if (!take_number(text, number)) break;
  }
  return numbers;
}

std::uint64_t hex_after(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return 0;
  text.remove_prefix(at + key.size());
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

/// Effective and permitted of this thread, of the first 64.
struct OwnCapabilities {
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;

  static OwnCapabilities read() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> halves{};
    // The C library has no declaration for it.
    if (::syscall(SYS_capget, &header, halves.data()) != 0) return {};
    return {halves[0].effective | std::uint64_t{halves[1].effective} << 32U,
            halves[0].permitted | std::uint64_t{halves[1].permitted} << 32U};
  }
};

/// The kernel gives the files of a process that must not be dumped to root (or to the root of
/// its user namespace); its directory stays its own.
bool is_dumpable(const std::string& directory, std::uint64_t uid) {
  struct stat status {};
  if (::stat((directory + "maps").c_str(), &status) != 0) return true;
  return status.st_uid == uid;
}

int yama_scope() {
  const auto text = read_proc_file("/proc/sys/kernel/yama/ptrace_scope", 16);
  if (!text || text->empty() || text->front() < '0' || text->front() > '9') return 0;
  return text->front() - '0';
}

std::string ptrace_capability(const AccessFacts& facts) {
  if (!facts.is_in_other_user_namespace) return "run with CAP_SYS_PTRACE";
  return "run with CAP_SYS_PTRACE in its user namespace or one around it (as root on the host)";
}

}  // namespace

std::string explain_refusal(const AccessFacts& facts) {
  const std::string with_capability = ptrace_capability(facts);
  if (facts.attaches && facts.yama_scope >= 3) {
    return "kernel.yama.ptrace_scope is 3, which closes every process until the next boot";
  }
  if (facts.has_ptrace_capability) {
    if (facts.is_in_other_user_namespace) {
      return "it is in another user namespace, where this CAP_SYS_PTRACE does not count; " +
             with_capability;
    }
    return "CAP_SYS_PTRACE is there, so a security module (AppArmor, SELinux) or a system call "
           "filter refuses it";
  }
  if (facts.own_uid != facts.target_uid) {
    return "run as its user (uid " + std::to_string(facts.target_uid) + ") or " +
           with_capability.substr(std::string_view("run ").size());
  }
  if (facts.has_other_ids) {
    return "it has the same user and another group, real or saved id; " + with_capability;
  }
  if (facts.foreign_capabilities != 0) {
    return "it has capabilities that Loopscope has not (from its program file: getcap), which "
           "closes it to its own user, too; " +
           with_capability;
  }
  if (!facts.is_dumpable) {
    return "it must not be dumped (it has changed its user, its program file cannot be read, or it "
           "asked for that), which closes it to its own user, too; " +
           with_capability;
  }
  if (facts.is_in_other_user_namespace) {
    return "it is in another user namespace; " + with_capability;
  }
  if (facts.attaches && facts.yama_scope == 1) {
    return "kernel.yama.ptrace_scope is 1: only an ancestor may; start the program by `loopscope "
           "run -- COMMAND`, or " +
           with_capability;
  }
  if (facts.attaches && facts.yama_scope == 2) {
    return "kernel.yama.ptrace_scope is 2; " + with_capability;
  }
  return "a security module (AppArmor, SELinux) or a system call filter refuses it; " +
         with_capability;
}

bool is_ruled_out(const AccessFacts& facts) {
  if (facts.has_ptrace_capability || facts.may_have_ptrace_capability) return false;
  return facts.own_uid != facts.target_uid || facts.has_other_ids ||
         facts.foreign_capabilities != 0 || !facts.is_dumpable ||
         facts.is_in_other_user_namespace || (facts.attaches && facts.yama_scope > 0);
}

bool may_have_capability(int capability) {
  return ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1;
}

AccessFacts read_access_facts(int pid, bool attaches) {
  AccessFacts facts;
  facts.attaches = attaches;
  facts.own_uid = facts.target_uid = ::geteuid();
  facts.yama_scope = yama_scope();
  const OwnCapabilities own = OwnCapabilities::read();
  facts.has_ptrace_capability = (own.effective >> CAP_SYS_PTRACE & 1U) != 0;
  facts.may_have_ptrace_capability = may_have_capability(CAP_SYS_PTRACE);
  const std::string directory = "/proc/" + std::to_string(pid) + "/";
  if (const auto status = read_proc_file(directory + "status", kStatusCap)) {
    const auto uids = numbers_after(*status, "\nUid:");
    const auto gids = numbers_after(*status, "\nGid:");
    facts.target_uid = static_cast<std::uint32_t>(uids[1]);
    facts.has_other_ids = uids[0] != uids[1] || uids[2] != uids[1];
    for (std::size_t i = 0; i < 3; ++i) facts.has_other_ids |= gids[i] != ::getegid();
    facts.foreign_capabilities = hex_after(*status, "\nCapPrm:\t") & ~own.permitted;
    facts.is_dumpable = is_dumpable(directory, uids[1]);
  }
  const auto map = read_proc_file(directory + "uid_map", kSmallFile);
  const auto own_map = read_proc_file("/proc/self/uid_map", kSmallFile);
  facts.is_in_other_user_namespace = map && own_map && !map->empty() && *map != *own_map;
  return facts;
}

}  // namespace loopscope
