#pragma once

#include <cerrno>

namespace loopscope {

/// Whether a system call that failed so may work a moment later: something is short, or a signal
/// came. What is forbidden, or not there, is not; it stays so.
constexpr bool is_passing_refusal(int error_number) {
  switch (error_number) {
    case EAGAIN:
    case EBUSY:
    case EINTR:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

}  // namespace loopscope
