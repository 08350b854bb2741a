#pragma once

#include <cstdint>
#include <string>

namespace loopscope {

/// What the kernel asks about two processes before one may look into the other, as far as that
/// can be known from outside (kernel/ptrace.c, __ptrace_may_access).
struct AccessFacts {
  std::uint32_t own_uid = 0;
  std::uint32_t target_uid = 0;            ///< effective
  bool has_other_ids = false;              ///< its real or saved ids, or its group, are not ours
  bool is_dumpable = true;                 ///< false: the kernel keeps it from its own user
  std::uint64_t foreign_capabilities = 0;  ///< permitted to it and not to us
  bool has_ptrace_capability = false;      ///< CAP_SYS_PTRACE, in our user namespace
  bool may_have_ptrace_capability = true;  ///< it is in our bounding set
  bool is_in_other_user_namespace = false;
  int yama_scope = 0;     ///< kernel.yama.ptrace_scope; 0 also without Yama
  bool attaches = false;  ///< memory, registers: Yama has a say in these only
};

/// Why and what would allow it: "run as its user (uid 0) or with CAP_SYS_PTRACE". Pure.
std::string explain_refusal(const AccessFacts& facts);

/// Whether it takes CAP_SYS_PTRACE, and whoever started us has ruled that out (a container without
/// capabilities): a limit that was chosen, not a fault. Pure.
bool is_ruled_out(const AccessFacts& facts);

/// Whether the bounding set of this process has the capability: without, no program file gives it.
bool may_have_capability(int capability);

/// Of the process `pid`; what cannot be read is taken to be no obstacle.
AccessFacts read_access_facts(int pid, bool attaches);

}  // namespace loopscope
