#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace loopscope {

/// A Linux capability that Loopscope has a use for.
struct UsefulCapability {
  int number;
  const char* name;
  const char* with;     ///< what can be measured with it
  const char* without;  ///< what is left
  int instead = -1;     ///< another one that does the same
};
std::span<const UsefulCapability> useful_capabilities();

/// What the kernel lets a thread do; a bit per capability.
struct CapabilitySets {
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;  ///< what it may make effective
  std::uint64_t bounding = 0;   ///< what a program file could give it
  bool no_new_privs = false;    ///< program files give nothing that was not permitted before

  static CapabilitySets of_this_thread();
};

/// Makes the useful ones among the permitted capabilities effective, in this thread and those it
/// starts later. A program file that has capabilities as permitted only (`setcap ...+p`) can be
/// started where some of them are out of reach, which one that has them as effective cannot; it
/// has to ask for them itself. Programs that this one starts are not given them.
void raise_capabilities();

/// "yes: ..." or "no: ...", and for a capability that is not there how it could be.
std::string describe(const UsefulCapability& capability, const CapabilitySets& sets);

}  // namespace loopscope
