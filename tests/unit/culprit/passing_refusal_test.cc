#include "culprit/passing_refusal.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <chrono>
#include <optional>
#include <thread>

#include "culprit/stack_takers.h"
#include "support/child_process.h"
#include "support/refused_call.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr Nanos kTakingPatience = 2s;

TEST(PassingRefusalTest, IsWhatMayWorkAMomentLater) {
  for (const int error : {EAGAIN, EINTR, EMFILE, ENFILE, ENOMEM}) {
    EXPECT_TRUE(is_passing_refusal(error)) << error;
  }
  for (const int error : {EPERM, EACCES, ENOSYS, ESRCH, EINVAL, 0}) {
    EXPECT_FALSE(is_passing_refusal(error)) << error;
  }
}

/// A thread that spins, and takers of it by perf events alone. Between two takes there is less
/// time than until a way that was refused is tried again.
class PerfRefusalTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(child_.hear(), 'r');
    const auto process = identify(child_.pid());
    ASSERT_TRUE(process);
    takers_.emplace(*process, child_.pid(), kPerfAlone, counters_);
    StackTakers probe(*process, child_.pid(), kPerfAlone, counters_);
    if (const auto works = probe.take(1, kTakingPatience); !works) {
      GTEST_SKIP() << works.error().message;
    }
  }

  /// In a thread whose perf events are refused so; a filter cannot be taken back.
  Result<std::vector<StackSample>> take_refused(int error_number) {
    Result<std::vector<StackSample>> taken = Error{"there is no filter"};
    std::thread([&] {
      if (refuse_call(SYS_perf_event_open, static_cast<unsigned>(error_number))) {
        taken = takers_->take(1, kTakingPatience);
      }
    }).join();
    return taken;
  }

  bool takes() {
    const auto taken = takers_->take(1, kTakingPatience);
    return taken.ok() && !taken->empty();
  }

  static constexpr CaptureWays kPerfAlone{.perf = true, .sleeping = false, .ptrace = false};
  ChildProcess child_{[](const ChildProcess::Channel& parent) {
    parent.say('r');
    for (volatile int turn = 0;;) turn = turn + 1;
  }};
  CaptureCounters counters_;
  std::optional<StackTakers> takers_;
};

TEST_F(PerfRefusalTest, AShortageOfAMomentDoesNotCloseTheWay) {
  for (const int error : {EMFILE, EAGAIN, EINTR, ENOMEM}) {
    const auto taken = take_refused(error);
    ASSERT_TRUE(taken.ok()) << taken.error().message;
    EXPECT_TRUE(taken->empty());
    EXPECT_TRUE(takes()) << "right after error " << error;
  }
}

TEST_F(PerfRefusalTest, WhatIsForbiddenClosesItForAWhileWithTheReason) {
  ASSERT_TRUE(takes());
  const auto taken = take_refused(EPERM);
  ASSERT_FALSE(taken.ok());
  EXPECT_NE(taken.error().message.find("perf_event_paranoid"), std::string::npos)
      << taken.error().message;
  EXPECT_FALSE(takes());
}

}  // namespace
}  // namespace loopscope
