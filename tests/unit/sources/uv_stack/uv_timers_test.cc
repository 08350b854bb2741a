#include "sources/uv_stack/uv_timers.h"

#include <gtest/gtest.h>

#include "support/fake_memory.h"
#include "target/uv_layout.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kTimersLoop = 0x5000000;
constexpr std::uint64_t kTimerA = 0x7000000;
constexpr std::uint64_t kTimerB = 0x7100000;

/// Two timers; libuv's clock and ours are one.
class UvTimersTest : public testing::Test {
 protected:
  UvTimersTest() {
    memory_.map(kTimersLoop, 1024);
    memory_.map(kTimerA, 0x200);
    memory_.map(kTimerB, 0x200);
  }
  void earliest(std::uint64_t handle) {
    memory_.write(kTimersLoop + uv_layout::kLoopTimerHeap,
                  handle == 0 ? std::uint64_t{0} : handle + uv_layout::kTimerHeapNode);
  }
  void timer(std::uint64_t handle, Nanos due, bool active) {
    memory_.write(handle + uv_layout::kHandleType, uv_layout::kHandleTypeTimer);
    memory_.write(handle + uv_layout::kHandleFlags, active ? uv_layout::kHandleActive : 0U);
    memory_.write(handle + uv_layout::kTimerTimeout, static_cast<std::uint64_t>(due / 1ms));
  }
  void remember(Nanos now) { timers_.remember(memory_, kTimersLoop, now); }
  Nanos late(Nanos now) const { return timers_.lateness(memory_, kTimersLoop, now); }
  Nanos late_in_timers(Nanos now, Nanos since) const {
    return timers_.lateness_in_timers(memory_, kTimersLoop, now, since);
  }

  FakeMemory memory_;
  UvTimers timers_;
};

TEST_F(UvTimersTest, OutsideThePhaseTheHeapTells) {
  EXPECT_EQ(late(100s), 0s);
  timer(kTimerA, 101s, true);
  earliest(kTimerA);
  EXPECT_EQ(late(100s), 0s);
  EXPECT_EQ(late(103s), 2s);
}

TEST_F(UvTimersTest, ATimerThatRunsIsOutOfTheHeapAndStillLate) {
  timer(kTimerA, 101s, true);
  earliest(kTimerA);
  remember(102s);  // a callback of the poll blocks
  timer(kTimerA, 101s, false);
  earliest(0);
  EXPECT_EQ(late(103s), 0s) << "the heap is empty";
  EXPECT_EQ(late_in_timers(103s, 102s + 4ms), 2s);
}

TEST_F(UvTimersTest, NodesTimerIsArmedAnewAfterItWasRemembered) {
  timer(kTimerA, 200s, true);
  earliest(kTimerA);
  remember(101s);
  timer(kTimerA, 101s + 3ms, false);
  earliest(0);
  EXPECT_EQ(late_in_timers(103s, 101s + 5ms), 1997ms);
}

TEST_F(UvTimersTest, ARepeatingTimerIsArmedForItsNextTimeAlready) {
  timer(kTimerA, 101s, true);
  earliest(kTimerA);
  remember(101s - 1ms);
  timer(kTimerA, 111s, true);
  EXPECT_EQ(late_in_timers(103s, 101s + 4ms), 2s);
}

TEST_F(UvTimersTest, WhatWaitsInTheHeapAndIsLaterThanTheOneThatRunsIsNot) {
  timer(kTimerA, 101s, true);
  timer(kTimerB, 102s, true);
  earliest(kTimerA);
  remember(101s - 1ms);
  timer(kTimerA, 101s, false);
  earliest(kTimerB);
  EXPECT_EQ(late_in_timers(103s, 101s), 2s);
}

TEST_F(UvTimersTest, WithoutAMemoryItIsAsLongAsThePhaseAtLeast) {
  EXPECT_EQ(late_in_timers(103s, 101s), 2s);
  timer(kTimerA, 50s, true);
  earliest(kTimerA);
  remember(60s);
  timer(kTimerA, 50s, false);
  earliest(0);
  EXPECT_EQ(late_in_timers(103s, 101s), 2s) << "it ran long ago";
}

TEST_F(UvTimersTest, NonsenseIsNoLateness) {
  timer(kTimerA, 101s, true);
  earliest(kTimerA);
  remember(101s);
  memory_.unmap(kTimerA);
  EXPECT_EQ(late(103s), 0s);
  EXPECT_EQ(late_in_timers(103s, 102s), 1s);
  memory_.write(kTimersLoop + uv_layout::kLoopTimerHeap, std::uint64_t{8});
  EXPECT_EQ(late(103s), 0s);
  memory_.map(kTimerB, 0x200);
  timer(kTimerB, 1s, true);
  earliest(kTimerB);
  EXPECT_EQ(late(200h), 0s) << "no timer is days late";
}

}  // namespace
}  // namespace loopscope
