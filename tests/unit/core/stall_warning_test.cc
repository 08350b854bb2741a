#include "core/stall_warning.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr Nanos kThreshold = 50ms;

/// Turns of equal length, `gap` apart, looked at each millisecond; how many were warned of.
int warnings_of_turns(StallWarning& warning, int turns, Nanos length, Nanos gap, Nanos& now) {
  int count = 0;
  for (int i = 0; i < turns; ++i) {
    for (Nanos so_far = 0ms; so_far < length; so_far += 1ms) {
      if (so_far >= warning.due_from() && warning.is_due(so_far, now + so_far)) ++count;
    }
    now += length;
    if (warning.given()) warning.was_in_vain(length, now);
    now += gap;
  }
  return count;
}

TEST(StallWarningTest, ComesOnceFromHalfOfTheThresholdOn) {
  StallWarning warning(kThreshold);
  EXPECT_FALSE(warning.is_due(24ms, 1024ms));
  EXPECT_TRUE(warning.is_due(26ms, 1026ms));
  EXPECT_FALSE(warning.is_due(40ms, 1040ms));
  warning.came_true();
  EXPECT_TRUE(warning.is_due(25ms, 2025ms));
}

TEST(StallWarningTest, TurnsOfLessThanHalfGetNone) {
  StallWarning warning(kThreshold);
  Nanos now = 1s;
  EXPECT_EQ(warnings_of_turns(warning, 1000, 24ms, 1ms, now), 0);
}

TEST(StallWarningTest, TurnsOfThreeFifthsSoonGetNoneAndStallsAmongThemStillDo) {
  StallWarning warning(kThreshold);
  Nanos now = 1s;
  EXPECT_LE(warnings_of_turns(warning, 200, 30ms, 1ms, now), 2);
  EXPECT_TRUE(warning.is_due(39ms, now + 39ms));
}

TEST(StallWarningTest, TurnsJustBelowTheThresholdCostABoundedNumber) {
  StallWarning warning(kThreshold);
  Nanos now = 1s;
  const int turns = 1200;  // one minute
  const int given = warnings_of_turns(warning, turns, 49ms, 1ms, now);
  EXPECT_LE(given, StallWarning::kBurst + 60s / StallWarning::kInterval);
  EXPECT_GE(given, 60s / StallWarning::kInterval - 2);
}

TEST(StallWarningTest, StallsDoNotUseItUp) {
  StallWarning warning(kThreshold);
  for (int i = 0; i < 1000; ++i) {
    const Nanos now = 1s + i * 60ms;
    ASSERT_TRUE(warning.is_due(25ms, now)) << i;
    warning.came_true();
  }
}

TEST(StallWarningTest, WhatWasInVainIsForgotten) {
  StallWarning warning(kThreshold);
  Nanos now = 1s;
  warnings_of_turns(warning, 10, 35ms, 1ms, now);
  EXPECT_GT(warning.due_from(), 40ms - 1ns);
  now += StallWarning::kForget + 1s;
  EXPECT_FALSE(warning.is_due(20ms, now));
  EXPECT_TRUE(warning.is_due(25ms, now));
}

}  // namespace
}  // namespace loopscope
