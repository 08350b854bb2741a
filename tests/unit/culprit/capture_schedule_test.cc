#include "culprit/capture_schedule.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

TEST(CaptureScheduleTest, LooksAtOnceAndThenAtDoublingTimes) {
  CaptureSchedule schedule(1000ms);
  EXPECT_LE(schedule.due(), 1050ms);
  schedule.captured(1050ms);
  EXPECT_EQ(schedule.due(), 1100ms);
  schedule.captured(1100ms);
  EXPECT_EQ(schedule.due(), 1200ms);
}

TEST(CaptureScheduleTest, LooksAgainSoonWhileNobodyIsNamedAFewTimes) {
  CaptureSchedule schedule(1000ms);
  Nanos now = 1048ms;
  for (int i = 0; i < CaptureSchedule::kMaxRepeats; ++i) {
    schedule.captured_nobody(now);
    EXPECT_LE(schedule.due() - now, 5ms);
    EXPECT_GT(schedule.due(), now);
    now = schedule.due();
  }
  schedule.captured_nobody(now);
  EXPECT_EQ(schedule.due(), now + (now - 1000ms));
}

TEST(CaptureScheduleTest, LooksAFewTimesOnly) {
  CaptureSchedule schedule(0ms);
  Nanos now = 50ms;
  while (schedule.due() != Nanos::max()) {
    schedule.captured(now);
    ASSERT_LE(schedule.captures(), CaptureSchedule::kMaxCaptures);
    now *= 2;
  }
  EXPECT_EQ(schedule.captures(), CaptureSchedule::kMaxCaptures);
}

}  // namespace
}  // namespace loopscope
