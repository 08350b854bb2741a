#include "base/rate_limiter.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

TEST(RateLimiter, LetsABurstThroughAndThenOnePerInterval) {
  RateLimiter limiter(1s, 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limiter.allow(100s));
  EXPECT_FALSE(limiter.allow(100s));
  EXPECT_FALSE(limiter.allow(100s + 999ms));
  EXPECT_TRUE(limiter.allow(101s));
  EXPECT_FALSE(limiter.allow(101s + 500ms));
  EXPECT_TRUE(limiter.allow(102s + 100ms));
  EXPECT_TRUE(limiter.allow(103s)) << "time beyond whole intervals is kept";
}

TEST(RateLimiter, NeverSavesUpMoreThanTheBurst) {
  RateLimiter limiter(1s, 2);
  EXPECT_TRUE(limiter.allow(0s));
  EXPECT_TRUE(limiter.allow(1h));
  EXPECT_TRUE(limiter.allow(1h));
  EXPECT_FALSE(limiter.allow(1h));
}

TEST(RateLimiter, CountsWhatItSuppressed) {
  RateLimiter limiter(1s, 1);
  EXPECT_TRUE(limiter.allow(0s));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(limiter.allow(100ms));
  EXPECT_EQ(limiter.take_suppressed(), 5u);
  EXPECT_EQ(limiter.take_suppressed(), 0u);
}

TEST(RateLimiter, TimeGoingBackwardsEarnsNothing) {
  RateLimiter limiter(1s, 1);
  EXPECT_TRUE(limiter.allow(100s));
  EXPECT_FALSE(limiter.allow(10s));
  EXPECT_TRUE(limiter.allow(101s));
}

}  // namespace
}  // namespace loopscope
