#include "apps/loopscope/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace loopscope {
namespace {

constexpr const char* kWaitsOfAll = "what threads of other users' processes wait for can be read";
constexpr const char* kWaitsOfOwn = "what threads wait for in processes of this user only";

constexpr std::array<UsefulCapability, 5> kUseful{{
    {CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "processes of every user can be read",
     "only processes of this user, as far as Yama allows"},
    {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", kWaitsOfAll, kWaitsOfOwn, CAP_DAC_READ_SEARCH},
    {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", kWaitsOfAll, kWaitsOfOwn, CAP_DAC_OVERRIDE},
    {CAP_PERFMON, "CAP_PERFMON", "perf events, whatever kernel.perf_event_paranoid is",
     "perf events as far as kernel.perf_event_paranoid and seccomp allow"},
    {CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "listeners in other network namespaces can be read",
     "listeners of this network namespace only"},
}};

/// The kernel's own form of the sets: two halves of 32 capabilities.
struct KernelSets {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> halves{};

  // The C library has no declarations for these two.
  bool get() { return ::syscall(SYS_capget, &header, halves.data()) == 0; }
  bool set() { return ::syscall(SYS_capset, &header, halves.data()) == 0; }
};

std::uint64_t joined(std::uint32_t low, std::uint32_t high) {
  return low | std::uint64_t{high} << 32U;
}

bool has(std::uint64_t set, int capability) {
  return (set >> static_cast<unsigned>(capability) & 1U) != 0;
}

}  // namespace

std::span<const UsefulCapability> useful_capabilities() { return kUseful; }

CapabilitySets CapabilitySets::of_this_thread() {
  CapabilitySets sets;
  KernelSets kernel;
  if (kernel.get()) {
    sets.effective = joined(kernel.halves[0].effective, kernel.halves[1].effective);
    sets.permitted = joined(kernel.halves[0].permitted, kernel.halves[1].permitted);
  }
  for (const UsefulCapability& one : kUseful) {
    if (::prctl(PR_CAPBSET_READ, one.number, 0, 0, 0) == 1) {
      sets.bounding |= std::uint64_t{1} << static_cast<unsigned>(one.number);
    }
  }
  sets.no_new_privs = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
  return sets;
}

void raise_capabilities() {
  KernelSets kernel;
  if (!kernel.get()) return;
  for (const UsefulCapability& one : kUseful) {
    auto& half = kernel.halves[CAP_TO_INDEX(one.number)];
    half.effective |= half.permitted & CAP_TO_MASK(one.number);
  }
  // What cannot be raised is missing where it is needed, and `doctor` tells.
  kernel.set();
}

std::string describe(const UsefulCapability& capability, const CapabilitySets& sets) {
  if (has(sets.effective, capability.number)) return std::string("yes: ") + capability.with;
  if (capability.instead >= 0 && has(sets.effective, capability.instead)) {
    return "no, and not needed beside the other CAP_DAC capability";
  }
  std::string text = std::string("no: ") + capability.without;
  if (!has(sets.bounding, capability.number)) {
    text += " (out of reach here: a container has to be given it)";
  } else if (sets.no_new_privs) {
    text +=
        " (granted, but no_new_privs keeps program files from getting it; in Kubernetes that "
        "is allowPrivilegeEscalation: false)";
  }
  return text;
}

}  // namespace loopscope
