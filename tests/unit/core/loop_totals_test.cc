#include "core/loop_totals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/histogram.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

LoopStatsSnapshot some_figures() {
  LoopStatsSnapshot stats;
  Histogram lag;
  lag.observe(0.2, 3);
  stats.lag = stats.stall_duration = lag.snapshot();
  stats.phase_time[static_cast<std::size_t>(Phase::kPoll)] = 700ms;
  stats.active_time = 1s;
  stats.idle_time = 9s;
  stats.iterations = 10;
  stats.stalls[static_cast<std::size_t>(Phase::kPoll)][static_cast<std::size_t>(Cause::kCpu)] = {
      2, 700ms};
  stats.culprits = {{"compute", "/srv/app.js", 10, "", 700ms}};
  stats.blocked = 5s;
  stats.lag_max_1m = 6s;
  return stats;
}

TEST(LoopTotals, CountersGoOnAndThePresentIsThePresent) {
  LoopStatsSnapshot stats = some_figures();
  LoopStatsSnapshot before = some_figures();
  before.blocked = before.lag_max_1m = 1h;
  before.iterations.reset();
  add_totals(stats, before);
  EXPECT_EQ(stats.lag.count, 6U);
  EXPECT_DOUBLE_EQ(stats.lag.sum, 1.2);
  EXPECT_EQ(stats.stall_duration.count, 6U);
  EXPECT_EQ(stats.phase_time[static_cast<std::size_t>(Phase::kPoll)], 1400ms);
  EXPECT_EQ(stats.active_time, 2s);
  EXPECT_EQ(stats.idle_time, 18s);
  EXPECT_EQ(stats.iterations, 10U);
  EXPECT_EQ(all_stalls(stats).count, 4U);
  EXPECT_EQ(all_stalls(stats).time, 1400ms);
  ASSERT_EQ(stats.culprits.size(), 1U);
  EXPECT_EQ(stats.culprits[0].time, 1400ms);
  EXPECT_EQ(stats.blocked, 5s);
  EXPECT_EQ(stats.lag_max_1m, 6s);
}

TEST(LoopTotals, WhatThisOneDoesNotCountIsNotLost) {
  LoopStatsSnapshot stats;
  LoopStatsSnapshot before = some_figures();
  before.iteration_duration = before.lag;
  add_totals(stats, before);
  EXPECT_EQ(stats.iterations, 10U);
  EXPECT_EQ(stats.lag.count, 3U);
  ASSERT_TRUE(stats.iteration_duration);
  EXPECT_EQ(stats.iteration_duration->count, 3U);
}

TEST(LoopTotals, FunctionsBeyondTheLimitAreOther) {
  LoopStatsSnapshot stats;
  LoopStatsSnapshot before;
  Nanos total{0};
  for (int i = 0; i < 40; ++i) {
    stats.culprits.push_back({"own" + std::to_string(i), "", 0, "", 1ms});
    before.culprits.push_back({"old" + std::to_string(i), "", 0, "", Nanos(1s) * (i + 1)});
    total += 1ms + Nanos(1s) * (i + 1);
  }
  before.culprits.push_back({"other", "", 0, "", 5s});
  add_totals(stats, before);
  EXPECT_EQ(stats.culprits.size(), kNamedCulprits + 1);
  Nanos sum{0};
  for (const CulpritTotals& culprit : stats.culprits) sum += culprit.time;
  EXPECT_EQ(sum, total + 5s);
  EXPECT_EQ(stats.culprits[40].function, "old39") << "the heaviest first";
  EXPECT_EQ(stats.culprits.back().function, "other");
}

}  // namespace
}  // namespace loopscope
