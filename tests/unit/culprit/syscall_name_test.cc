#include "culprit/syscall_name.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

namespace loopscope {
namespace {

TEST(SyscallName, NamesCallsByTheirNumberHere) {
  EXPECT_EQ(syscall_name(SYS_read), "read");
  EXPECT_EQ(syscall_name(SYS_openat), "openat");
  EXPECT_EQ(syscall_name(SYS_futex), "futex");
  EXPECT_EQ(syscall_name(SYS_clock_nanosleep), "clock_nanosleep");
#if defined(__x86_64__)
  EXPECT_EQ(syscall_name(0), "read");
  EXPECT_EQ(syscall_name(61), "wait4");
  EXPECT_EQ(syscall_name(232), "epoll_wait");
#endif
}

TEST(SyscallName, GivesTheNumberOfOthers) {
  EXPECT_EQ(syscall_name(99999), "syscall 99999");
  EXPECT_EQ(syscall_name(-5), "syscall -5");
}

}  // namespace
}  // namespace loopscope
