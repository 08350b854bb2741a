#include "apps/loopscope/restart_delay.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

TEST(RestartDelay, DoublesUpToAMinute) {
  RestartDelay delay;
  for (const Nanos expected : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    EXPECT_EQ(delay.after(100ms), expected);
  }
}

TEST(RestartDelay, BeginsAnewAfterOneThatRanForAMinute) {
  RestartDelay delay;
  for (int i = 0; i < 5; ++i) delay.after(59s);
  EXPECT_EQ(delay.after(59s), 32s);
  EXPECT_EQ(delay.after(60s), 1s);
  EXPECT_EQ(delay.after(1s), 2s);
}

}  // namespace
}  // namespace loopscope
