#include "sources/sampling_policy.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

LoopSample look(Nanos at, Phase phase, std::uint64_t iteration) {
  LoopSample sample;
  sample.at = at;
  sample.phase = phase;
  sample.iteration = iteration;
  return sample;
}

TEST(SamplingPolicy, SlowsDownOnceNothingHappens) {
  SamplingPolicy policy(1ms, 200ms);
  Nanos interval{0};
  Nanos at{0};
  for (int i = 0; i < 10; ++i)
    interval = policy.next_interval(look(at += 4ms, Phase::kPollWait, 7));
  EXPECT_EQ(interval, SamplingPolicy::kIdle);
}

TEST(SamplingPolicy, NeverSleepsLongerThanAFifthOfTheThreshold) {
  SamplingPolicy policy(1ms, 50ms);
  Nanos interval{0};
  for (int i = 0; i < 10; ++i) interval = policy.next_interval(look(i * 10ms, Phase::kPollWait, 7));
  EXPECT_EQ(interval, 10ms);
}

TEST(SamplingPolicy, TurningLoopsAreSeenEveryFourMilliseconds) {
  SamplingPolicy policy(1ms, 50ms);
  for (std::uint64_t i = 1; i < 50; ++i) {
    const Phase phase = i % 3 == 0 ? Phase::kPoll : Phase::kPollWait;
    EXPECT_EQ(policy.next_interval(look(i * 4ms, phase, i)), 4ms);
  }
}

TEST(SamplingPolicy, FastestOnlyInsideALongBusyPeriod) {
  SamplingPolicy policy(1ms, 50ms);
  EXPECT_EQ(policy.next_interval(look(0ms, Phase::kPollWait, 1)), 4ms);
  EXPECT_EQ(policy.next_interval(look(4ms, Phase::kTimers, 1)), 4ms);
  EXPECT_EQ(policy.next_interval(look(8ms, Phase::kTimers, 1)), 1ms);
  EXPECT_EQ(policy.next_interval(look(9ms, Phase::kTimers, 2)), 4ms);
}

TEST(SamplingPolicy, VeryLongBusyPeriodsNeedNoMillisecond) {
  SamplingPolicy policy(1ms, 50ms);
  (void)policy.next_interval(look(0ms, Phase::kPollWait, 1));
  (void)policy.next_interval(look(4ms, Phase::kTimers, 1));
  EXPECT_EQ(policy.next_interval(look(1004ms, Phase::kTimers, 1)), 4ms);
}

TEST(SamplingPolicy, TheFastestRateBoundsEveryOther) {
  SamplingPolicy policy(8ms, 100ms);
  EXPECT_EQ(policy.next_interval(look(0ms, Phase::kPollWait, 1)), 8ms);
  EXPECT_EQ(policy.next_interval(look(8ms, Phase::kTimers, 1)), 8ms);
  EXPECT_EQ(policy.next_interval(look(100ms, Phase::kTimers, 1)), 8ms);
}

}  // namespace
}  // namespace loopscope
