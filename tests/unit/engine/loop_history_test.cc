#include "engine/loop_history.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

LoopStatsSnapshot active_for(Nanos time) {
  LoopStatsSnapshot stats;
  stats.active_time = time;
  return stats;
}

TEST(LoopHistory, TheNextOfAPlaceTakesWhatWasLeft) {
  LoopHistory history;
  const LoopHistory::Place place{"shop", "", 1, "main"};
  EXPECT_EQ(history.take(place, 1s), nullptr);
  history.leave(place, active_for(5s), 1s);
  EXPECT_EQ(history.take({"shop", "", 0, "main"}, 2s), nullptr);
  EXPECT_EQ(history.take({"shop", "4f2a", 1, "main"}, 2s), nullptr);
  EXPECT_EQ(history.take({"shop", "", 1, "worker-1"}, 2s), nullptr);
  const auto totals = history.take(place, 2s);
  ASSERT_NE(totals, nullptr);
  EXPECT_EQ(totals->active_time, 5s);
  EXPECT_EQ(history.take(place, 2s), nullptr) << "once";
}

TEST(LoopHistory, IsForgottenAfterAWhile) {
  LoopHistory history;
  const LoopHistory::Place place{"shop", "", 1, "main"};
  history.leave(place, active_for(5s), 1s);
  EXPECT_EQ(history.take(place, 1s + LoopHistory::kKept + 1ns), nullptr);
}

TEST(LoopHistory, HasABound) {
  LoopHistory history;
  for (std::size_t i = 0; i <= LoopHistory::kMaxPlaces; ++i) {
    history.leave({std::to_string(i), "", 0, "main"}, {}, Nanos(static_cast<std::int64_t>(i)));
  }
  EXPECT_EQ(history.take({"0", "", 0, "main"}, 1s), nullptr) << "the oldest had to go";
  EXPECT_NE(history.take({"1", "", 0, "main"}, 1s), nullptr);
}

}  // namespace
}  // namespace loopscope
