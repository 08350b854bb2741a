#include "loopscope/loop_monitor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <vector>

#include "culprit/stack_taker.h"
#include "unit/embed/test_loop.h"

namespace loopscope {

// Not in an unnamed namespace: the symbol is what the test looks for.
__attribute__((noinline)) void burn_for_the_monitor_test(std::chrono::nanoseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  volatile std::uint64_t sink = 0;
  while (std::chrono::steady_clock::now() < until) {
    for (int i = 0; i < 10000; ++i) sink = sink + 1;
  }
}

namespace {

using namespace std::chrono_literals;

/// Why stacks of this thread cannot be taken; empty: they can.
std::string why_no_stacks() {
  for (const CaptureWayReport& report :
       describe_capture_ways(::getpid(), ::gettid(), {.ptrace = false})) {
    if (report.way == CaptureWay::kPerf) return report.reason;
  }
  return "there is no such way";
}

/// Runs the loop until a timer callback has burned for `time`.
void block(TestLoop& loop, std::chrono::milliseconds time) {
  loop.after(20ms, [time] { burn_for_the_monitor_test(time); });
  loop.after(30ms + time, [] {});
  loop.run();
}

TEST(LoopMonitorStacksTest, NamesItsOwnBlockingFunction) {
  if (const std::string why = why_no_stacks(); !why.empty()) GTEST_SKIP() << why;
  TestLoop loop;
  LoopMonitor monitor(loop.get(), {.process = "test"});
  std::vector<StallRecord> stalls;
  // Where other programs take the CPUs a stall may be left without a name, never with a
  // wrong one. Names come from another thread, perhaps after the stall.
  for (int attempt = 0; attempt < 5 && (stalls.empty() || stalls[0].function.empty()); ++attempt) {
    block(loop, 400ms);
    const auto deadline = std::chrono::steady_clock::now() + 2s;
    do {
      std::this_thread::sleep_for(5ms);
      stalls = monitor.stalls(1);
      ASSERT_EQ(stalls.size(), 1U);
    } while (stalls[0].function.empty() && std::chrono::steady_clock::now() < deadline);
  }
  EXPECT_EQ(stalls[0].function, "loopscope::burn_for_the_monitor_test");
  EXPECT_FALSE(stalls[0].stack.empty());
}

TEST(LoopMonitorStacksTest, SwitchedOffItNamesNobody) {
  TestLoop loop;
  LoopMonitor monitor(loop.get(), {.process = "test", .stacks = false});
  block(loop, 200ms);
  const auto stalls = monitor.stalls(1);
  ASSERT_EQ(stalls.size(), 1U);
  EXPECT_EQ(stalls[0].function, "");
  EXPECT_TRUE(stalls[0].stack.empty());
}

}  // namespace
}  // namespace loopscope
