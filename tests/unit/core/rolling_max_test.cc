#include "core/rolling_max.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

TEST(RollingMax, IsTheLargestOfTheWindow) {
  RollingMax<std::uint64_t> max;
  EXPECT_EQ(max.max(10s), 0u);
  max.record(10s, 5);
  max.record(11s, 9);
  max.record(11s, 7);
  EXPECT_EQ(max.max(11s), 9u);
  EXPECT_EQ(max.max(71s), 9u) << "kept for the whole window";
  EXPECT_EQ(max.max(73s), 0u) << "gone one slot after it";
}

TEST(RollingMax, KeepsASmallerNewerValueWhenTheLargerExpires) {
  RollingMax<Nanos> max;
  max.record(100s, 2s);
  max.record(130s, 1s);
  EXPECT_EQ(max.max(150s), Nanos(2s));
  EXPECT_EQ(max.max(170s), Nanos(1s));
  EXPECT_EQ(max.max(200s), Nanos(0));
}

TEST(RollingMax, HonoursOtherWindows) {
  RollingMax<std::uint64_t> max(600ms);
  max.record(1s, 3);
  EXPECT_EQ(max.max(1600ms), 3u);
  EXPECT_EQ(max.max(1620ms), 0u);
}

TEST(RollingMax, ValuesFromThePastDoNotReplaceNewerSlots) {
  RollingMax<std::uint64_t> max;
  max.record(1000s, 3);
  max.record(10s, 99);
  max.record(-5s, 99);
  EXPECT_EQ(max.max(1000s), 3u);
}

TEST(RollingMax, SurvivesExtremeTimes) {
  RollingMax<std::uint64_t> max(Nanos(1));
  max.record(Nanos::max(), 4);
  EXPECT_EQ(max.max(Nanos::max()), 4u);
}

}  // namespace
}  // namespace loopscope
