#pragma once

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <initializer_list>

namespace loopscope {

/// Gives up capabilities of this thread for good; false: that failed.
inline bool without_capabilities(std::initializer_list<int> numbers) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> halves{};
  if (::syscall(SYS_capget, &header, halves.data()) != 0) return false;
  for (const int number : numbers) {
    auto& half = halves[CAP_TO_INDEX(number)];
    half.effective &= ~CAP_TO_MASK(number);
    half.permitted &= ~CAP_TO_MASK(number);
  }
  return ::syscall(SYS_capset, &header, halves.data()) == 0;
}

}  // namespace loopscope
